/** Work goes on for so long, in milliseconds, before the event loop has a turn: a frame of a page takes 16. */
const TURN = 12;

/** Gives the event loop turns during long work, so that a page stays alive and a server answers. */
export class EventLoopTurns {
  private since = performance.now();

  /** Waits for a macrotask where the last one was some time ago; to be awaited between pieces of work. */
  async take(): Promise<void> {
    if (performance.now() - this.since < TURN) return;
    await macrotask();
    this.since = performance.now();
  }
}

/** What hosts have of it: Node, Deno and Bun the first, pages and workers the second. */
interface Host {
  setImmediate(call: () => void): void;
  MessageChannel: new () => { port1: Port; port2: Port };
}

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: null): void;
  close(): void;
}

/** Resolves in a task of its own, after what waits already: a timer would be held back by browsers. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    const { setImmediate, MessageChannel } = globalThis as unknown as Partial<Host>;
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel!();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
