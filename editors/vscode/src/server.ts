/**
 * The language server's life: found, started, lost, started again, and what there is to show about it.
 *
 * Its state: the running client, and what is shown. A server that ends by itself is started again, a few times in a
 * row at most. Nothing here opens a dialog.
 */
import * as os from "node:os";
import * as vscode from "vscode";
import { Client, type Listener, type ServerStatus } from "./client";
import { type Found, find } from "./find";

/** What the status bar shows. */
export interface Shown {
  readonly state: ServerStatus["state"] | "starting" | "missing" | "failed";
  /** Why, and what to do; "" when all is well. */
  readonly message: string;
  readonly model: string;
  readonly percent: number | null;
  /** Where code is sent, a host and a port; "" while it stays on this machine. */
  readonly elsewhere?: string;
  /** Milliseconds from the question to the last suggestion; null before the first. */
  readonly latency: number | null;
  /** The command in use, and where it was found. */
  readonly found: Found | null;
}

const RESTARTS = 4;
const RESTARTS_WITHIN_MS = 120_000;
const PATIENCE_MS = 2_000;

export class Server implements vscode.Disposable {
  private client: Client | undefined;
  private current: Shown = { state: "starting", message: "", model: "", percent: null, latency: null, found: null };
  private losses: number[] = [];
  private work: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private readonly changes = new vscode.EventEmitter<Shown>();
  readonly onChange = this.changes.event;

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly storage: vscode.Uri,
  ) {}

  get shown(): Shown {
    return this.current;
  }

  /** The client, while it runs. */
  get running(): Client | undefined {
    return this.client?.isRunning() ? this.client : undefined;
  }

  /** Start the server, or start it anew, because somebody wants it; what is asked for meanwhile happens afterwards. */
  restart(): Promise<void> {
    this.losses = [];
    return this.enqueue();
  }

  /** End the server; it stays ended until it is started anew. */
  halt(): Promise<void> {
    this.work = this.work.then(() => this.stop());
    return this.work;
  }

  /** Run one of the server's commands; undefined when it doesn't run. */
  async execute(command: string, ...args: unknown[]): Promise<unknown> {
    return this.running?.execute(command, args);
  }

  async dispose(): Promise<void> {
    clearTimeout(this.timer);
    await this.stop();
    this.changes.dispose();
  }

  private enqueue(): Promise<void> {
    this.work = this.work.then(() => this.startAnew());
    return this.work;
  }

  private async startAnew(): Promise<void> {
    clearTimeout(this.timer);
    await this.stop();
    this.show({ state: "starting", message: "", percent: null, latency: null });
    const found = await find(this.storage);
    if ("problem" in found) {
      this.log.warn(found.problem);
      this.show({ state: "missing", message: found.problem, found: null });
      return;
    }
    this.log.info(`starting ${found.command} (found through: ${found.from})`);
    const client: Client = new Client(
      found.command,
      this.log,
      os.homedir(),
      this.listener(() => this.client === client),
    );
    this.client = client;
    this.show({ found });
    try {
      await client.start();
      this.log.info("the language server runs");
      this.show(this.current.state === "starting" ? { state: "ready" } : {});
      const editor = vscode.window.activeTextEditor;
      if (editor) {
        client.reports.focused(editor.document);
      }
    } catch (error) {
      this.client = undefined;
      this.log.error(`${found.command} lsp could not be started`, error instanceof Error ? error.message : error);
      this.show({ state: "failed", message: `${found.command} could not be started. The log says why.` });
    }
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose(PATIENCE_MS);
    } catch {
      // It did not start, or ended before it was asked to.
    }
  }

  private listener(isCurrent: () => boolean): Listener {
    return {
      status: (status) => isCurrent() && this.show(status),
      answered: (latency) => isCurrent() && this.show({ latency }),
      lost: () => isCurrent() && this.lost(),
    };
  }

  private lost(): void {
    const now = Date.now();
    this.losses = [...this.losses.filter((time) => now - time < RESTARTS_WITHIN_MS), now];
    const again = this.losses.length <= RESTARTS;
    this.log.warn(`the language server ended; ${again ? "it is started again" : "it is not started again"}`);
    if (!again) {
      this.show({ state: "failed", message: "The language server keeps ending. The log says why; click to start it." });
      return;
    }
    this.show({ state: "starting" });
    this.timer = setTimeout(() => void this.enqueue(), 250 * this.losses.length ** 2);
  }

  private show(change: Partial<Shown>): void {
    this.current = { ...this.current, ...change };
    this.changes.fire(this.current);
  }
}
