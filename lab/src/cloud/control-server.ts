/** The lab's own door to an emulated cloud: HTTP on a unix socket, JSON in and out. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { ok } from '@routerd/resources';
import {
  addressesOf,
  assign,
  nicOfInstance,
  setForwarding,
  setMachineState,
  unassign,
  type Nic,
} from './address-space.ts';
import {
  addressOrder,
  cardOrder,
  faultCard,
  forwardingOrder,
  knobs,
  powerOrder,
  type CardState,
  type CloudState,
  type FabricEvent,
} from './control-messages.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Fabric } from './fabric.ts';
import { absenceOf, CARD_NAMES, cardOf, isCardName, playOf } from './fault-catalogue.ts';
import type { FaultDeck } from './fault-deck.ts';
import type { RequestJournal } from './request-journal.ts';
import type { NewsDesk } from './news-desk.ts';
import { jsonReply, readRequest, type WireReply, type WireRequest } from './wire.ts';

export interface ControlParts {
  readonly plane: ControlPlane;
  readonly fabric: Fabric;
  readonly journal: RequestJournal;
  readonly faults: FaultDeck;
  /** The vendor's own etag of a NIC, where it has one. */
  readonly etagOf: (nicId: string) => string | undefined;
  readonly news: NewsDesk;
}

export class ControlServer {
  readonly #parts: ControlParts;
  readonly #socket: string;
  readonly #server: Server;
  readonly #watchers = new Set<ServerResponse>();

  private constructor(parts: ControlParts, socket: string) {
    this.#parts = parts;
    this.#socket = socket;
    this.#server = createServer((message, response) => void this.#answer(message, response));
  }

  static async start(parts: ControlParts, socket: string): Promise<ControlServer> {
    const control = new ControlServer(parts, socket);
    rmSync(socket, { force: true }); // left by a process that was killed
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', reject);
      control.#server.listen(socket, resolve);
    });
    chmodSync(socket, 0o600);
    return control;
  }

  tell(event: FabricEvent): void {
    for (const watcher of this.#watchers) watcher.write(`${JSON.stringify(event)}\n`);
  }

  async stop(): Promise<void> {
    for (const watcher of this.#watchers) watcher.end();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    rmSync(this.#socket, { force: true });
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message).catch(() => undefined);
    if (request === undefined) return void response.writeHead(413).end();
    if (request.method === 'GET' && request.path === '/watch') return this.#watch(response);
    const { status, headers, body } = await this.#route(request).catch((cause: unknown) =>
      jsonReply(400, { error: cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause) }),
    );
    response.writeHead(status, headers).end(body);
  }

  /** The first line says that nothing will be missed from here on. */
  #watch(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write('\n');
    this.#watchers.add(response);
    response.on('close', () => this.#watchers.delete(response));
  }

  async #route({ method, path, query, body }: WireRequest): Promise<WireReply> {
    const { journal, faults, plane } = this.#parts;
    const given = (): unknown => (body === '' ? {} : JSON.parse(body));
    const done = jsonReply(200, {});
    switch (`${method} ${path}`) {
      case 'GET /state':
        return jsonReply(200, await this.#state());
      case 'GET /journal':
        return jsonReply(200, journal.since(Number(query.get('since') ?? 0)));
      case 'POST /reset-journal':
        journal.reset();
        return done;
      case 'GET /faults':
        return jsonReply(200, faults.left);
      case 'POST /faults':
        faults.lay(faultCard.parse(given()));
        return done;
      case 'DELETE /faults':
        faults.clear(query.get('card') ?? undefined);
        plane.turnBack(query.get('card') ?? undefined);
        return done;
      case 'GET /cards':
        return jsonReply(200, this.#cards());
      case 'POST /cards':
        this.#play(given());
        return done;
      case 'POST /show-news-again':
        this.#parts.news.showAgain();
        return done;
      case 'POST /knobs':
        plane.knobs = knobs.parse(given());
        return done;
      default:
        return this.#instanceOrder(method, path, given);
    }
  }

  #cards(): readonly CardState[] {
    const { faults, plane } = this.#parts;
    const turned = plane.turnedBy;
    return CARD_NAMES.map((name) => {
      const absent = absenceOf(name, plane.config.cloud);
      const left = faults.left.filter(({ card }) => card === name).reduce((sum, { count }) => sum + count, 0);
      const state = left > 0 ? `${left} left` : turned.includes(name) ? 'on' : 'off';
      return { name, about: cardOf(name).about, state, ...(absent === undefined ? {} : { absent }) };
    });
  }

  /** Laying a card again replaces it. */
  #play(body: unknown): void {
    const { faults, plane } = this.#parts;
    const { card, ...order } = cardOrder.parse(body);
    if (!isCardName(card)) throw new Error(`there is no card ${card}; there are ${CARD_NAMES.join(', ')}`);
    const absent = absenceOf(card, plane.config.cloud);
    if (absent !== undefined) throw new Error(`${plane.config.cloud} has no card ${card}: ${absent}`);
    const play = playOf(card, order);
    faults.clear(card);
    for (const fault of play.faults) faults.lay(faultCard.parse(fault));
    if (Object.keys(play.knobs).length > 0) plane.turn(card, play.knobs, order.forMs);
  }

  async #instanceOrder(method: string, path: string, given: () => unknown): Promise<WireReply> {
    const [, name = '', order] = /^\/instances\/([^/]+)\/(power|addresses|forwarding|terminate)$/.exec(path) ?? [];
    if (method !== 'POST' || order === undefined) return jsonReply(404, { error: `there is no ${method} ${path}` });
    const nic = nicOfInstance(this.#parts.plane.space, decodeURIComponent(name));
    if (nic === undefined) return jsonReply(404, { error: `there is no instance ${name}` });
    if (order === 'power') {
      const { power } = powerOrder.parse(given());
      await this.#parts.fabric.setPower(nic.device, power);
      const state = power === 'on' ? 'running' : 'stopped';
      this.#parts.plane.changeNow((space) => ok(setMachineState(space, nic.name, state)));
      return jsonReply(200, {});
    }
    if (order === 'terminate') {
      this.#parts.plane.changeNow((space) => ok(setMachineState(space, nic.name, 'terminated')));
      return jsonReply(200, {});
    }
    if (order === 'forwarding') {
      const { forwarding } = forwardingOrder.parse(given());
      this.#parts.plane.changeNow((space) => setForwarding(space, nic.id, forwarding));
      return jsonReply(200, {});
    }
    return this.#changeAddresses(nic, addressOrder.parse(given()));
  }

  #changeAddresses(nic: Nic, order: z.output<typeof addressOrder>): WireReply {
    const mayTake = (): boolean => order.takeOver;
    const decided = this.#parts.plane.changeNow((space) => {
      const removed = unassign(space, nic.id, order.unassign);
      if (!removed.ok) return removed;
      return assign(removed.value, { nicId: nic.id, addresses: order.assign, mayTake, settled: true });
    });
    return decided.ok ? jsonReply(200, {}) : jsonReply(409, { error: decided.error.code });
  }

  async #state(): Promise<CloudState> {
    const { plane, fabric, etagOf } = this.#parts;
    const { holders, unchecked } = fabric.applied;
    return {
      cloud: plane.config.cloud,
      nics: [...plane.space.nics.values()].map((nic) => {
        const etag = etagOf(nic.id);
        const reached = [...holders].filter(([, device]) => device === nic.device).map(([address]) => address);
        return {
          instance: nic.name,
          nicId: nic.id,
          device: nic.device,
          power: fabric.poweredOff.has(nic.device) ? ('off' as const) : ('on' as const),
          controlPlane: { addresses: [...addressesOf(nic)], forwarding: nic.forwarding },
          fabric: { addresses: reached, forwarding: unchecked.has(nic.device) },
          ...(etag === undefined ? {} : { etag }),
        };
      }),
      dropped: await fabric.counters(),
    };
  }
}
