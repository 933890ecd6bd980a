/** The life of a plugin that observes: one request from stdin, one result to stdout, and the end. */
import { flushCompileCache } from 'node:module';
import {
  PLUGIN_API_VERSION,
  PLUGIN_REQUEST_BYTES_MAX,
  pluginRequest,
  pluginResult,
  type ObserveRequest,
  type ObserveResult,
} from './observer-protocol.ts';
import { processIo, whileWanted, type ServeIo } from './process-io.ts';

export interface ObserverPlugin {
  /**
   * Reads, and changes nothing anywhere. What it throws ends the process with 1, and its message is what operators see: it never has a secret.
   * @param note writes a line of diagnostics on standard error
   */
  observe(request: ObserveRequest, note: (text: string) => void): Promise<ObserveResult>;
}

/**
 * Answers the one request of this process and exits: 0 with a result, 1 without one and the reason on stderr.
 * Everything that is written to stdout by anybody else goes to stderr from here on.
 * @param load how to load the plugin: libraries that talk on stdout are then loaded after the redirection
 */
export async function serveObserver(
  load: () => ObserverPlugin | Promise<ObserverPlugin>,
  io: ServeIo = processIo(),
): Promise<void> {
  const result = await whileWanted(io, async () => answerOnce(load, io));
  if (result === undefined) return io.exit(1);
  await io.write(`${JSON.stringify(result)}\n`);
  // Where NODE_COMPILE_CACHE is set, the next process starts about twice as fast. Elsewhere it does nothing.
  flushCompileCache();
  io.exit(0);
}

async function answerOnce(load: () => ObserverPlugin | Promise<ObserverPlugin>, io: ServeIo): Promise<unknown> {
  try {
    const { metadata, spec } = pluginRequest.parse(JSON.parse(await textOf(io.input)));
    const plugin = await load();
    const status = await plugin.observe(spec, (text) => io.note(text));
    return pluginResult.parse({ apiVersion: PLUGIN_API_VERSION, kind: 'PluginResult', metadata, status });
  } catch (cause) {
    io.note(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause));
    return undefined;
  }
}

async function textOf(input: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    bytes += chunk.length;
    if (bytes > PLUGIN_REQUEST_BYTES_MAX)
      throw new Error(`the request is longer than ${PLUGIN_REQUEST_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
