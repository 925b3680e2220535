/**
 * The language client: vscode-languageclient, made quiet, with what this server says and hears beyond the protocol.
 *
 * Nothing that goes wrong here opens a dialog: it goes to the log, and `server.ts` shows the state.
 */
import type * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  type InitializeParams,
  LanguageClient,
  RevealOutputChannelOn,
} from "vscode-languageclient/node";
import { BetterSuggestions, type News } from "./better";
import type { Answer } from "./edits";
import { withIndentation } from "./indentation";
import { Reports } from "./reports";
import { serverSettings } from "./settings";

/** What `foretype/status` carries. */
export interface ServerStatus {
  readonly state: "ready" | "busy" | "loading" | "error" | "inactive";
  readonly message: string;
  readonly model: string;
  readonly percent: number | null;
  /** Where code is sent, a host and a port; "" while it stays on this machine. */
  readonly elsewhere?: string;
}

/** What the client tells its owner. */
export interface Listener {
  status(status: ServerStatus): void;
  /** A suggestion came, so many milliseconds after it was asked for. */
  answered(milliseconds: number): void;
  /** The server's process is gone, though nobody asked it to go. */
  lost(): void;
}

/** Documents that people write code in; not outputs, diffs, or the inputs of chats and commits. */
const SCHEMES = ["file", "untitled", "vscode-notebook-cell", "vscode-vfs", "vscode-userdata"];

export class Client extends LanguageClient {
  readonly reports = new Reports(this);
  private readonly better = new BetterSuggestions();

  constructor(command: string, log: vscode.LogOutputChannel, home: string, listener: Listener) {
    super(
      "foretype",
      "foretype",
      { command, args: ["lsp"], options: { cwd: home } }, // at home: no file of a workspace is ever in the way
      {
        documentSelector: SCHEMES.map((scheme) => ({ scheme })),
        outputChannel: log,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        initializationOptions: { status: true, betterSuggestions: true }, // settings are asked for, so that one that goes away is gone
        initializationFailedHandler: () => false,
        errorHandler: {
          error: () => ({ action: ErrorAction.Continue, handled: true }),
          closed: () => {
            listener.lost();
            return { action: CloseAction.DoNotRestart, handled: true };
          },
        },
        middleware: {
          sendRequest: (type, params, token, next) => next(type, withIndentation(type, params), token),
          workspace: { configuration: (asked) => asked.items.map(() => serverSettings()) },
          provideInlineCompletionItems: async (document, position, context, token, next) => {
            const asked = performance.now();
            const answer = await next(document, position, this.better.context(context), token);
            const items = Array.isArray(answer) ? answer : (answer?.items ?? []);
            if (!token.isCancellationRequested) {
              this.better.answered(document, position, items);
            }
            if (items.length > 0 && !token.isCancellationRequested) {
              listener.answered(performance.now() - asked);
              this.reports.answered(document, position, items);
            }
            return answer;
          },
        },
      },
    );
    this.onNotification("foretype/status", (status: ServerStatus) => listener.status(status));
    this.onNotification("foretype/betterSuggestion", (news: News) => this.better.heard(news));
  }

  /** The server's commands are registered once, in `commands.ts`, so that they are there before the server is. */
  override registerFeature(feature: Parameters<LanguageClient["registerFeature"]>[0]): void {
    const method = (feature as { registrationType?: { method: string } }).registrationType?.method;
    if (method !== "workspace/executeCommand") {
      super.registerFeature(feature);
    }
  }

  protected override fillInitializeParams(params: InitializeParams): void {
    super.fillInitializeParams(params);
    params.capabilities.window = { ...params.capabilities.window, workDoneProgress: false }; // the status bar item shows it
  }

  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  /** Run one of the server's commands; undefined when it can't be asked. */
  async execute(command: string, args: readonly unknown[]): Promise<unknown> {
    try {
      return await this.sendRequest("workspace/executeCommand", { command, arguments: args });
    } catch (error) {
      this.warn(`${command} had no answer`, error, false);
      return undefined;
    }
  }

  /** The next edits at a place; undefined when the server proposes none or can't be asked. */
  async nextEdits(params: unknown, token: vscode.CancellationToken): Promise<Answer | undefined> {
    const experimental: unknown = this.initializeResult?.capabilities.experimental;
    if (!(experimental as { copilotInlineEditProvider?: boolean } | undefined)?.copilotInlineEditProvider) {
      return undefined;
    }
    try {
      return (await this.sendRequest("textDocument/copilotInlineEdit", params, token)) as Answer;
    } catch {
      return undefined; // it was cancelled, or the server has gone
    }
  }

  /** Say something to the server if it listens; a lost notification is no event. */
  async tell(method: string, params: unknown): Promise<void> {
    try {
      if (this.isRunning()) {
        await this.sendNotification(method, params);
      }
    } catch (error) {
      this.warn(`${method} was not sent`, error, false);
    }
  }
}
