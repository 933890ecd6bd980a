/** One emulated cloud, running: fabric first, then the metadata service and the API, then the lab's own door. Stopped in reverse. */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Clock, Log } from '@routerd/runtime';
import type { CloudConfig } from './cloud-config.ts';
import { ControlPlane } from './control-plane.ts';
import { ControlServer } from './control-server.ts';
import type { FabricEvent } from './control-messages.ts';
import { METADATA_ADDRESS } from './fabric-rules.ts';
import { Fabric } from './fabric.ts';
import { FaultDeck } from './fault-deck.ts';
import { RequestJournal } from './request-journal.ts';
import { serve, type ServeParts } from './serve.ts';
import { createVendor, type Vendor } from './vendor.ts';

export interface RunningCloud {
  /** In-flight requests are cut off; the fabric stays as it is. */
  stop(): Promise<void>;
}

/** Rejects with what could not be brought up; nothing is left listening then. */
export async function startCloud(
  config: CloudConfig,
  { clock, log }: { clock: Clock; log: Log },
): Promise<RunningCloud> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.toReversed()) await each();
  };
  try {
    const listeners = new Set<(event: FabricEvent) => void>();
    const onEvent = (event: FabricEvent): void => {
      log.info('the fabric changed', { ...event });
      for (const listener of listeners) listener(event);
    };
    const tls = { cert: readFileSync(config.tls.certFile), key: readFileSync(config.tls.keyFile) };
    const fabric = await Fabric.start(config, { clock, log, onEvent });
    stops.push(async () => fabric.stop());
    const plane = new ControlPlane(config, { clock, follow: (view, at) => fabric.follow(view, at) });
    stops.push(async () => plane.stop());
    const reached = (device: string): readonly string[] =>
      [...fabric.applied.holders].filter(([, holder]) => holder === device).map(([address]) => address);
    const onFabricChange = (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    const vendor = await createVendor(config, { plane, reached, onFabricChange });
    const faults = new FaultDeck(clock);
    plane.isDenied = (call) => faults.isDenied(call);
    const parts: ServeParts = { journal: new RequestJournal(clock), faults, plane, log };
    stops.push(await listen(createHttpServer(serve(vendor.metadata, parts)), 80, METADATA_ADDRESS));
    stops.push(await listen(createHttpsServer(tls, serveByHost(vendor, parts)), 443, config.apiAddress));
    const etagOf = (nicId: string): string | undefined => vendor.etagOf(nicId);
    const control = await ControlServer.start(
      { ...parts, fabric, etagOf, news: vendor.queue.desk },
      config.controlSocket,
    );
    stops.push(async () => control.stop());
    listeners.add((event) => control.tell(event));
    return { stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

/** Vendors have a name for each of their services; here they share an address. */
function serveByHost({ api, queue }: Vendor, parts: ServeParts): ReturnType<typeof serve> {
  const ofApi = serve(api, parts);
  const ofQueue = serve(queue.service, parts);
  return (message, response) =>
    (message.headers.host?.startsWith(queue.host) === true ? ofQueue : ofApi)(message, response);
}

async function listen(server: HttpServer, port: number, address: string): Promise<() => Promise<void>> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  return async () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}
