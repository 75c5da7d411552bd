import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import { CurveFile } from './curveFile.ts';
import { whenOutputFails } from './options.ts';
import { printable } from './printable.ts';
import { createProgress, type Progress, type ProgressOptions, showStatus } from './progress.ts';
import { RunFolder } from './runFolder.ts';
import type { Told, TrainingOrder } from './trainingThread.ts';

/** Whoever ends a run waits no longer than this; the model on the disk is then a few seconds old. */
const patienceMs = 1500;

/**
 * Has a thread train, shows how it goes, and listens: to signals, and to a standard output that takes nothing more. Resolves
 * when the run is over, by itself or because somebody ended it; what was reached is then kept.
 *
 * @throws {Error} where the run failed, or was ended before it began.
 */
export async function supervise(order: TrainingOrder): Promise<void> {
  const thread = startThread(order);
  let progress: Progress | undefined;
  let farewell: string | undefined;
  let curve: CurveFile | undefined;
  let folder: string | undefined;
  let stopping = false;
  /** Standard input goes to the thread. */
  let reads = false;
  /** Standard output takes nothing more. */
  let deaf: string | undefined;
  const say = (text: string): void => void (deaf ?? process.stdout.write(`${printable(text)}\n`));
  const warn = (text: string): void => {
    if (progress) progress.print(text, process.stderr);
    else process.stderr.write(`${printable(text)}\n`);
  };

  await new Promise<void>((resolve, reject) => {
    const over = async (): Promise<void> => {
      clearTimeout(timer);
      progress?.stop();
      void thread.terminate();
      await curve?.end();
      if (farewell !== undefined) say(farewell);
      if (deaf && deaf !== 'EPIPE' && deaf !== 'EIO') reject(new Error(`standard output: ${deaf}`));
      else if (stopping && farewell === undefined)
        reject(new Error('ended before the training began: nothing new is kept'));
      else resolve();
    };
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      if (stopping) return;
      stopping = true;
      thread.postMessage('stop');
      // A window of a large net takes longer than anybody wants to wait.
      timer = setTimeout(() => {
        if (folder !== undefined) RunFolder.at(folder).tidy();
        void over();
      }, patienceMs);
    };
    const interrupt = (): void => {
      if (stopping) {
        if (folder !== undefined) RunFolder.at(folder).tidy();
        process.removeAllListeners('SIGINT');
        process.kill(process.pid, 'SIGINT'); // at once, whatever the thread is at
      }
      stop();
    };
    process.on('SIGINT', interrupt);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, stop);
    process.stderr.on('error', () => {}); // nobody is left to be told
    whenOutputFails((code, why) => {
      if (deaf !== undefined) return;
      deaf = code === 'EPIPE' || code === 'EIO' ? code : why;
      if (code === 'EPIPE' || code === 'EIO') stop();
      else warn(`warning: standard output: ${why}; training goes on`);
    });

    thread.on('message', (told: Told) => {
      switch (told.call) {
        case 'say':
          showStatus('');
          say(told.with[0]);
          break;
        case 'warn':
          warn(told.with[0]);
          break;
        case 'status':
          if (progress) progress.status(told.with[0]);
          else showStatus(printable(told.with[0]));
          break;
        case 'input':
          process.stdin.pipe(thread.stdin!);
          reads = true;
          break;
        case 'begin':
          progress = createProgress({ ...(told.with[0] as ProgressOptions), isSilent: () => deaf !== undefined });
          break;
        case 'update':
          progress?.update(...told.with);
          break;
        case 'print':
          progress?.print(told.with[0]);
          break;
        case 'end':
          progress?.stop();
          break;
        case 'curve':
          folder = dirname(told.with[0]);
          curve = new CurveFile(...told.with);
          break;
        case 'row':
          curve?.add(told.with[0]);
          break;
        case 'kept':
          [farewell] = told.with;
          break;
        case 'done':
          void over();
          break;
        case 'failed':
          showStatus('');
          progress?.stop();
          void thread.terminate();
          void (curve?.end() ?? Promise.resolve()).then(() => reject(new Error(told.message)));
      }
    });
    thread.on('error', reject);
  }).finally(() => {
    if (reads) process.stdin.destroy(); // else the process goes on as long as nobody closes it
  });
}

/** In a clone the thread is TypeScript, which it does not learn to read from its parent. */
function startThread(order: TrainingOrder): Worker {
  const source = new URL('./trainingThread.ts', import.meta.url);
  const options: WorkerOptions = { workerData: order, env: SHARE_ENV, stdin: true };
  if (!existsSync(source)) return new Worker(new URL('./trainingThread.js', import.meta.url), options);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import(${loader}).then(({ register }) => (register(), import(${JSON.stringify(source.href)})))`;
  return new Worker(code, { ...options, eval: true });
}
