/**
 * A thread of the engine `wasm`: it waits for numbers of recordings and runs them. Plain JavaScript, since it is loaded
 * as a file by its URL, from the sources too. It imports nothing, so that a copy of the file is enough.
 *
 * Its four words of control, in shared memory: how many commands it was given, the last command (the number of a
 * recording, LISTEN to look for messages, or END), how many it has done, and whether one failed.
 */
const [COMMANDS, COMMAND, DONE, FAILED] = [0, 1, 2, 3];
const LISTEN = -1;
const END = -2;
/** How often it looks for a command before it sleeps: some tens of microseconds. */
const LOOKS = 2000;

/** Its end of the line: the worker itself in a page, Deno and Bun; Node's, asked for without a wait, which bundlers refuse. */
const port = globalThis.postMessage ? globalThis : process.getBuiltinModule('node:worker_threads').parentPort;
/** @type {(() => void)[]} */
const recordings = [];
/** @type {Int32Array} */
let control;
/** @type {WebAssembly.Exports} */
let kernels;
let seen = 0;

/** Runs commands until it is told to listen. */
function serve() {
  for (;;) {
    for (let i = 0; i < LOOKS && Atomics.load(control, COMMANDS) === seen; i++);
    while (Atomics.load(control, COMMANDS) === seen) Atomics.wait(control, COMMANDS, seen);
    seen = (seen + 1) | 0;
    const command = Atomics.load(control, COMMAND);
    try {
      if (command >= 0) recordings[command]();
    } catch {
      Atomics.store(control, FAILED, 1);
    }
    Atomics.store(control, DONE, seen);
    Atomics.notify(control, DONE);
    if (command === LISTEN) return;
    if (command === END) return port.close();
  }
}

/** A recording as a function, or one that fails where this thread cannot make it one. */
function recordingOf({ bytes, functions }) {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { kernels });
    return () => {
      for (const name of functions) exports[name]();
    };
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** The first message brings memory, kernels and control; each later one a recording. */
function take(message) {
  if (message.kernels) {
    control = message.control;
    kernels = new WebAssembly.Instance(message.kernels, { host: { memory: message.memory } }).exports;
    port.postMessage('ready');
  } else {
    recordings.push(recordingOf(message));
  }
  serve();
}

if (port.on) port.on('message', take);
else port.onmessage = ({ data }) => take(data);
