/** The life of a plugin process: requests in on stdin, results out on stdout, one at a time, until stdin ends. */
import { flushCompileCache } from 'node:module';
import { answerLine, refusal } from './answer.ts';
import type { ExecutorPlugin } from './executor-plugin.ts';
import { ExecutorError } from './executor-error.ts';
import { LineSplitter, type LineEvent } from './line-splitter.ts';
import { processIo, whileWanted } from './process-io.ts';
import { REQUEST_LINE_BYTES_MAX } from './protocol-parts.ts';

/** Requests that wait while one is answered; beyond that nothing more is read. */
const WAITING_MAX = 16;
/**
 * Answers requests until stdin ends, then exits with 0; at once if the caller died, so that no plugin outlives its daemon.
 * Everything that is written to stdout by anybody else goes to stderr from here on: stdout is the protocol.
 * @param plugin the plugin, or how to load it: libraries that talk on stdout are then loaded after the redirection
 */
export async function serve(plugin: ExecutorPlugin | (() => Promise<ExecutorPlugin>), io = processIo()): Promise<void> {
  let loading: Promise<ExecutorPlugin> | undefined;
  const load = async (): Promise<ExecutorPlugin> => {
    try {
      return typeof plugin === 'function' ? await plugin() : plugin;
    } catch (cause) {
      throw new ExecutorError('invalid', `the plugin could not be loaded: ${String(cause)}`, { number: 508, cause });
    }
  };
  const environment = {
    plugin: async () => (loading ??= load()),
    isCallerAlive: () => io.isCallerAlive(),
    note: (text: string) => io.note(text),
  };
  // Loading begins before the first request has arrived; whoever asks first gets to hear why it failed.
  environment.plugin().catch((cause: unknown) => io.note(String(cause)));

  let isFirst = true;
  const answer = async (event: LineEvent): Promise<void> => {
    const result =
      event.kind === 'line'
        ? await answerLine(event.text, environment)
        : refusal(undefined, 502, `the request is longer than ${event.bytesMax} bytes`);
    await io.write(`${JSON.stringify(result)}\n`);
    // Where NODE_COMPILE_CACHE is set, the next process starts about twice as fast, however this one ends. Elsewhere it does nothing.
    if (isFirst) flushCompileCache();
    isFirst = false;
  };

  let last = Promise.resolve();
  let waiting = 0;
  const splitter = new LineSplitter(REQUEST_LINE_BYTES_MAX);
  const enqueue = (events: readonly LineEvent[]): void => {
    for (const event of events) {
      waiting += 1;
      last = last.then(async () => answer(event)).finally(() => (waiting -= 1));
    }
  };
  for await (const chunk of io.input) {
    enqueue(splitter.push(chunk));
    if (waiting > WAITING_MAX) await last;
  }
  enqueue(splitter.end());

  await whileWanted(io, async () => last);
  io.exit(0);
}
