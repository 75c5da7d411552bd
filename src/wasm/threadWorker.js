/**
 * A thread of engine `wasm`: it waits for numbers of recordings and runs them. Plain JavaScript, since it is loaded as a
 * file by its URL, from the sources too; without imports and top-level await, so that any bundler may make it a script.
 *
 * The words of control, in shared memory: how many commands it was given, the last command (the number of a recording,
 * LISTEN to look for messages, or END), how many it has done, whether one failed (then the length of the error's message
 * and one), whether the thread has ended, a count of the calls made so far, and the characters of the message.
 */
const [COMMANDS, COMMAND, DONE, FAILED, ENDED, CALLS, MESSAGE] = [0, 1, 2, 3, 4, 5, 6];
const LISTEN = -1;
const END = -2;
/** How often it looks for a command before it blocks: some tens of microseconds. */
const SPINS = 2000;

// A browser's worker is its own port; Node's is in a module, which is to be had without import since 20.16.
const port = globalThis.postMessage
  ? globalThis
  : globalThis.process.getBuiltinModule('node:worker_threads').parentPort;
/** @type {(() => void)[]} */
const recordings = [];
/** @type {Int32Array} */
let control;
/** @type {WebAssembly.Memory} */
let memory;
/** Every kernel by name. */
const kernels = {};
let seen = 0;

/** Runs commands until it is told to listen. */
function serve() {
  for (;;) {
    for (let i = 0; i < SPINS && Atomics.load(control, COMMANDS) === seen; i++);
    while (Atomics.load(control, COMMANDS) === seen) Atomics.wait(control, COMMANDS, seen);
    seen = (seen + 1) | 0;
    const command = Atomics.load(control, COMMAND);
    try {
      if (command >= 0) recordings[command]();
    } catch (error) {
      fail(error);
    }
    Atomics.store(control, DONE, seen);
    Atomics.notify(control, DONE);
    if (command === LISTEN) return;
    if (command === END) return port.close();
  }
}

/** Leaves an error's message for whoever waits. */
function fail(error) {
  const text = String(error?.message ?? error).slice(0, control.length - MESSAGE);
  for (let i = 0; i < text.length; i++) Atomics.store(control, MESSAGE + i, text.charCodeAt(i));
  Atomics.store(control, FAILED, text.length + 1);
}

/** Adds the kernels of a module, which may import those there are. */
function link(module) {
  Object.assign(kernels, new WebAssembly.Instance(module, { host: { memory }, kernels }).exports);
}

/** A recording as a function. */
function recordingOf(calls) {
  const ready = calls.map(({ kernel, args }) => [kernels[kernel], args]);
  return () => {
    for (const [kernel, args] of ready) {
      kernel(...args);
      Atomics.add(control, CALLS, 1);
    }
  };
}

/** The first message brings memory, kernels and control; each later one a recording, and modules that it needs. */
function take(message) {
  if (message.control) {
    ({ control, memory } = message);
    link(message.kernels);
    port.postMessage('ready');
  } else {
    try {
      for (const module of message.modules) link(module);
      recordings[message.number] = recordingOf(message.calls);
    } catch (error) {
      recordings[message.number] = () => {
        throw error;
      };
    }
  }
  serve();
}

/** Node only: however the thread ends, whoever waits for it is told. */
globalThis.process?.on?.('exit', () => {
  if (!control) return;
  Atomics.store(control, ENDED, 1);
  Atomics.notify(control, DONE);
});
globalThis.process?.on?.('uncaughtExceptionMonitor', (error) => {
  if (control) fail(error);
});

if (port.on) port.on('message', take);
else port.onmessage = ({ data }) => take(data);
