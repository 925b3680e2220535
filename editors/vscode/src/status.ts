/** The status bar item: state, model, last latency. A click opens the menu. */
import * as vscode from "vscode";
import type { Shown } from "./server";
import { switchedOn } from "./settings";

/** Work that is over sooner shows no spinner: one that blinks at every key is only a distraction. */
const BUSY_AFTER_MS = 400;

/** What the item says. */
export interface Face {
  readonly text: string;
  readonly detail: string;
  readonly warning: boolean;
}

/** Pure: what to say about a state. */
export function face(shown: Shown, off: string): Face {
  const here = faceHere(shown, off);
  const mayGo = shown.state === "ready" || shown.state === "busy" || shown.state === "loading";
  if (!shown.elsewhere || off || !mayGo) {
    return here;
  }
  const detail = `${here.detail}; code is sent to ${shown.elsewhere}`;
  return { ...here, text: `${here.text} $(arrow-right) ${shown.elsewhere}`, detail };
}

function faceHere(shown: Shown, off: string): Face {
  const quiet = (icon: string, text: string, detail: string): Face => ({
    text: `$(${icon}) ${text}`,
    detail,
    warning: false,
  });
  const alarm = (detail: string): Face => ({ text: "$(warning) foretype", detail, warning: true });
  const latency = shown.latency === null ? "" : ` ${Math.round(shown.latency)} ms`;
  switch (shown.state) {
    case "starting":
      return quiet("loading~spin", "foretype", "starting");
    case "missing":
    case "failed":
    case "error":
      return alarm(shown.message);
    case "loading":
      return quiet("loading~spin", `foretype ${shown.percent ?? 0}%`, "loading the model");
    case "inactive":
      return quiet("circle-slash", "foretype", shown.message);
    case "busy":
      return off ? quiet("circle-slash", "foretype", off) : quiet("loading~spin", `foretype${latency}`, "thinking");
    case "ready":
      if (!off && shown.percent !== null) {
        return quiet("book", `foretype ${shown.percent}%`, "reading the file: suggestions see a part of it until then");
      }
      return off ? quiet("circle-slash", "foretype", off) : quiet("sparkle", `foretype${latency}`, "ready");
  }
}

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("foretype", vscode.StatusBarAlignment.Right, 100);
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    this.item.name = "foretype";
    this.item.command = "foretype.menu";
    this.item.show();
  }

  show(shown: Shown): void {
    clearTimeout(this.timer);
    if (shown.state === "busy") {
      this.timer = setTimeout(() => this.draw(shown), BUSY_AFTER_MS);
    } else {
      this.draw(shown);
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.item.dispose();
  }

  private draw(shown: Shown): void {
    const language = vscode.window.activeTextEditor?.document.languageId;
    const on = switchedOn(language);
    const off = on.language ? "" : `Suggestions are switched off for ${language}.`;
    const { text, detail, warning } = face(shown, off);
    this.item.text = text;
    this.item.accessibilityInformation = { label: `foretype: ${detail}` };
    this.item.backgroundColor = warning ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    const lines = [`**foretype**: ${detail}`];
    if (shown.model) {
      lines.push(`Model: ${shown.model}`);
    }
    if (shown.elsewhere) {
      lines.push(`Code is sent to: \`${shown.elsewhere}\``);
    }
    if (shown.message && shown.state === "ready") {
      lines.push(shown.message);
    }
    if (shown.latency !== null) {
      lines.push(`Last suggestion: after ${Math.round(shown.latency)} ms`);
    }
    if (shown.found) {
      lines.push(`Server: \`${shown.found.command}\` (${shown.found.from})`);
    }
    this.item.tooltip = new vscode.MarkdownString(lines.join("\n\n"));
  }
}
