// VS Code's own server with a fresh profile, and its workbench in headless Chromium: started, looked at, ended.
//
// Everything has a time limit, and only processes that were started here are ended. It knows nothing about what is tested.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

const SETTINGS = {
  "chat.disableAIFeatures": true,
  "editor.accessibilitySupport": "off",
  "editor.fontSize": 15,
  "editor.minimap.enabled": false,
  "editor.quickSuggestions": { other: "off", comments: "off", strings: "off" },
  "editor.suggestOnTriggerCharacters": false,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "files.autoSave": "off",
  "git.enabled": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
};

/** A port of the loopback interface that is free now. */
async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** Wait until a function gives something true; an error after the limit says what was awaited. */
export async function until(what, look, limitMs = 30_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${limitMs} ms for: ${what}`);
    }
    await sleep(50);
  }
}

/** What a file holds that was just saved. The editor empties it first, so nothing is no answer. */
export async function written(name) {
  return until(`${name} to be written`, () => readFileSync(name, "utf8"));
}

/** Send a signal to a process group of ours; true when there is none any more. */
function endGroup(leader, signal) {
  try {
    process.kill(-leader, signal);
    return false;
  } catch {
    return true;
  }
}

/** The process groups that run; whatever ends the tests ends them, too. */
const running = new Set();
process.on("exit", () => running.forEach((leader) => endGroup(leader, "SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => process.exit(1));
}

/** One running VS Code. */
export class Workbench {
  /**
   * @param {{place: string, vsix: string, environment: Record<string, string>, machine?: object, user?: object, files: Record<string, string>,
   *   home?: Record<string, string>}} options
   *   place: where `install.sh` put VS Code; environment: for the server, beside HOME; machine, user: settings;
   *   home: links in the home directory, by path.
   */
  static async start({ place, vsix, environment, machine = {}, user = {}, files, home = {} }) {
    const state = mkdtempSync(path.join(tmpdir(), "vs")); // short: VS Code makes sockets in it
    const self = new Workbench(state, place);
    try {
      for (const [name, target] of Object.entries(home)) {
        mkdirSync(path.join(state, "home", path.dirname(name)), { recursive: true });
        symlinkSync(target, path.join(state, "home", name));
      }
      await self.#serve(vsix, environment, machine, user, files);
      await self.#open();
    } catch (error) {
      await self.close();
      throw error;
    }
    return self;
  }

  constructor(state, place) {
    this.state = state;
    this.place = place;
    this.folder = path.join(state, "work");
    this.userSettings = path.join(state, "data", "data", "User", "settings.json");
  }

  async #serve(vsix, environment, machine, user, files) {
    const data = path.join(this.state, "data");
    for (const folder of ["home", "ext", "data/data/User", "data/data/Machine", "work"]) {
      mkdirSync(path.join(this.state, folder), { recursive: true });
    }
    writeFileSync(this.userSettings, JSON.stringify({ ...SETTINGS, ...user }));
    writeFileSync(path.join(data, "data", "Machine", "settings.json"), JSON.stringify(machine));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.join(this.folder, path.dirname(name)), { recursive: true });
      writeFileSync(path.join(this.folder, name), text);
    }
    const node = path.join(this.place, "node/bin/node");
    const server = path.join(this.place, "node_modules/code-server/lib/vscode/out/server-main.js");
    const env = { ...process.env, HOME: path.join(this.state, "home"), TMPDIR: this.state, ...environment };
    const common = ["--server-data-dir", data, "--user-data-dir", path.join(data, "data")];
    common.push("--extensions-dir", path.join(this.state, "ext"), "--accept-server-license-terms", "--telemetry-level", "off");
    await run(node, [server, ...common, "--install-extension", vsix], { env, timeout: 60_000 });
    this.port = await freePort();
    const log = openSync(path.join(this.state, "server.log"), "a");
    const listen = ["--host", "127.0.0.1", "--port", String(this.port), "--without-connection-token", "--enable-smoke-test-driver"];
    // A process group of its own: the processes that it starts for extensions would wait for a browser to come back.
    this.server = spawn(node, [server, ...common, ...listen], { env, stdio: ["ignore", log, log], detached: true });
    running.add(this.server.pid);
    const answers = () => fetch(`http://127.0.0.1:${this.port}/version`).then((reply) => reply.ok, () => false);
    await until("VS Code's server", answers);
  }

  async #open() {
    const { chromium } = createRequire(path.join(this.place, "package.json"))("playwright-core");
    const profile = path.join(this.state, "chromium");
    this.context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      headless: true,
      viewport: { width: 900, height: 420 },
      deviceScaleFactor: 1.5,
      env: { ...process.env, HOME: path.join(this.state, "home") },
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
    });
    this.page = this.context.pages()[0] ?? (await this.context.newPage());
    this.page.setDefaultTimeout(15_000);
    await this.page.goto(`http://127.0.0.1:${this.port}/?folder=${encodeURIComponent(this.folder)}`);
    await this.page.waitForSelector(".monaco-workbench");
    await this.page.waitForSelector(".explorer-folders-view .monaco-list-row");
  }

  /** Open a file of the workspace, and put the cursor at its end. */
  async openFile(name, editor = ".editor-instance .view-lines") {
    await this.page.keyboard.press("Escape");
    await this.#quickInput("Control+p");
    await this.page.keyboard.type(name);
    // Enter takes the row that has the focus: while the list is still filtered, that is another file's.
    await this.page.waitForSelector(`.quick-input-list .monaco-list-row.focused[aria-label^="${name}"]`);
    await this.page.keyboard.press("Enter");
    await this.page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);
    await this.page.click(editor);
    await this.page.keyboard.press("Control+End");
  }

  /** Open a list by its key, and wait until keys go into its input. */
  async #quickInput(key) {
    await this.page.keyboard.press(key);
    await this.page.waitForSelector(".quick-input-widget:not([style*='display: none']) input:focus");
  }

  /** Run a command of the palette by its title. */
  async command(title) {
    await this.#quickInput("F1");
    await this.page.keyboard.type(title);
    await this.page.waitForSelector(`.quick-input-list .monaco-list-row.focused[aria-label*="${title}"]`);
    await this.page.keyboard.press("Enter");
  }

  type(text, delay = 60) {
    return this.page.keyboard.type(text, { delay });
  }

  press(key) {
    return this.page.keyboard.press(key);
  }

  /** The ghost text on the screen, line by line; "" when there is none. */
  async ghost() {
    return this.page.evaluate(() => {
      const lines = new Map();
      for (const part of document.querySelectorAll(".ghost-text-decoration, .ghost-text-decoration-preview, .ghost-text")) {
        if (!part.parentElement.closest(".ghost-text-decoration, .ghost-text-decoration-preview, .ghost-text")) {
          const top = Math.round(part.getBoundingClientRect().top);
          lines.set(top, (lines.get(top) ?? "") + part.textContent);
        }
      }
      const ordered = [...lines].sort(([one], [other]) => one - other).map(([, text]) => text);
      return ordered.join("\n").replaceAll("\u00a0", " ");
    });
  }

  async ghostAppears(limitMs = 30_000) {
    try {
      return await until("ghost text", async () => (await this.ghost()).trim() && this.ghost(), limitMs);
    } catch (error) {
      throw new Error(`${error.message}; the status bar says: ${await this.status()}`);
    }
  }

  async ghostGoes(limitMs = 10_000) {
    return until("no ghost text", async () => (await this.ghost()) === "", limitMs);
  }

  /** Wait until the ghost text has not changed for a while, and return it. */
  async ghostSettles(limitMs = 15_000) {
    let last = await this.ghost();
    let since = Date.now();
    return until("ghost text that stays", async () => {
      const now = await this.ghost();
      [last, since] = now === last ? [last, since] : [now, Date.now()];
      return Date.now() - since > 700 && { text: now };
    }, limitMs).then(({ text }) => text);
  }

  /** Give what must not happen a moment to happen. */
  async quiet() {
    await sleep(2_500);
  }

  /** The id of the child process of VS Code's that runs a command; 0 when there is none. */
  async processOf(command) {
    const { stdout } = await run("ps", ["-eo", "pid=,ppid=,args="]);
    const all = stdout.split("\n").map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter(Boolean);
    const ours = new Set([this.server.pid]);
    for (const [, pid, parent] of all.sort((one, other) => one[1] - other[1])) {
      if (ours.has(Number(parent))) {
        ours.add(Number(pid));
      }
    }
    return Number(all.find(([, pid, , args]) => ours.has(Number(pid)) && args.includes(`${command} lsp`))?.[1] ?? 0);
  }

  /** The status bar item's text and description. */
  async status() {
    const item = this.page.locator("#foretype\\.foretype\\.foretype");
    return (await item.count()) ? ((await item.first().innerText()) + " | " + (await item.first().locator("a").getAttribute("aria-label"))).trim() : "";
  }

  /** The text of the document in the active editor, as far as it is on the screen. */
  async visibleText() {
    const lines = await this.page.locator(".editor-instance .view-line").allInnerTexts();
    return lines.join("\n").replaceAll("\u00a0", " ");
  }

  /** Whether the bell of the status bar has a dot: toasts themselves wait while the cursor is in their quarter of the window. */
  async hasNotifications() {
    return (await this.page.locator("#status\\.notifications .codicon-bell-dot").count()) > 0;
  }

  /** Open the list of notifications, and return their texts. */
  async notifications() {
    if ((await this.page.locator(".notifications-center.visible").count()) === 0) {
      await this.page.click("#status\\.notifications");
    }
    return this.page.locator(".notifications-center .notification-list-item-message").allInnerTexts();
  }

  async screenshot(file) {
    await this.page.screenshot({ path: file, animations: "disabled" });
  }

  async close() {
    await this.context?.close().catch(() => undefined);
    if (this.server && this.server.exitCode === null) {
      process.kill(-this.server.pid, "SIGTERM");
      const gone = () => endGroup(this.server.pid, 0);
      await until("VS Code's server to end", gone, 8_000).catch(() => endGroup(this.server.pid, "SIGKILL"));
      running.delete(this.server.pid);
    }
    if (process.env.FORETYPE_KEEP === undefined) {
      rmSync(this.state, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
    }
  }
}
