import { answer, type Contender, type Question, type Task, type Tensors } from '../contender.ts';
import { type Own, ownContender } from '../ownContender.ts';

/** The first message to a contender's worker; it is not answered. */
export interface Opening {
  own: Own;
  task: Task;
  tensors: Tensors;
}

/** What a worker answers to each question. */
export type Reply = { answer: object } | { error: string };

let contender: Promise<Contender>;

addEventListener('message', async ({ data }: MessageEvent<Opening | Question>) => {
  if ('own' in data) {
    contender = ownContender(data.task, data.tensors, data.own);
    contender.catch(() => {}); // told to whoever asks
    return;
  }
  let reply: Reply;
  try {
    reply = { answer: await answer(await contender, data) };
  } catch (error) {
    reply = { error: error instanceof Error ? error.message : String(error) };
  }
  postMessage(reply);
});
