/** Operators' orders through the API: drain, freeze, hand-over, and what undoes them. They stand in the group's log until the next. */
import type { OperatorOrder, Order } from '@routerd/mobility';
import {
  err,
  formatInstant,
  ok,
  parseNodeName,
  prefixContains,
  type HostAddress,
  type NodeName,
  type Result,
} from '@routerd/resources';
import { z } from 'zod';
import type { OrderOutcome, OrderRegistry } from '@routerd/federation';
import type { PoolState } from '../pool-state.ts';
import { forecastOf } from '../views/forecast-view.ts';
import type { NodeView } from '../views/node-view.ts';
import { addressOf } from './address-text.ts';
import type { ApiAnswer, ApiFault, Route } from './http-server.ts';

export interface OrderRoutesPorts {
  readonly node: NodeView;
  readonly registry: OrderRegistry;
  /** Told after each pass of the planner. @returns stops telling */
  readonly onChange: (listener: () => void) => () => void;
  /** Aborts when the daemon stops, or after that many milliseconds. */
  readonly within: (milliseconds: number) => AbortSignal;
}

/** How long an order may take to come back from a quorum. */
const APPEND_LIMIT_MS = 10_000;
/** A longer wait is asked for again by the client. */
const WAIT_SECONDS_MAX = 20;

export function orderRoutes(ports: OrderRoutesPorts): readonly Route[] {
  return [
    {
      method: 'GET',
      pattern: '/v1/orders',
      handle: () => ({ status: 200, body: { items: [...ports.registry.orders().values()].map(orderView) } }),
    },
    { method: 'POST', pattern: '/v1/orders', handle: async ({ body }) => order(ports, body) },
    {
      method: 'GET',
      pattern: '/v1/drains/:node',
      handle: async ({ params, query }) => drainState(ports, params['node'] ?? '', Number(query.get('wait') ?? 0)),
    },
  ];
}

export function orderView({ subject, version, order: given, who, why, when, writer }: OperatorOrder): unknown {
  return { subject, version, ...given, who, why, when: formatInstant(when), writer };
}

const by = { who: z.string().min(1).max(128), why: z.string().max(256) };
const orderBody = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.enum(['drain', 'undrain']), node: z.string(), force: z.boolean().default(false), ...by }),
  z.strictObject({ verb: z.enum(['freeze', 'hand-over']), address: z.string(), site: z.string().optional(), ...by }),
  z.strictObject({ verb: z.literal('release'), address: z.string(), ...by }),
]);
type OrderBody = z.output<typeof orderBody>;

async function order({ node, registry, within }: OrderRoutesPorts, body: unknown): Promise<ApiAnswer> {
  const parsed = orderBody.safeParse(body);
  if (!parsed.success)
    return refused(400, {
      code: 'order.malformed',
      message: z.prettifyError(parsed.error),
      remedy: 'Orders are drain, undrain, freeze, hand-over and release.',
    });
  const wanted = orderOf(node, parsed.data);
  if (!wanted.ok) return refused(409, wanted.error);
  if (parsed.data.verb === 'drain' && !parsed.data.force) {
    const stuck = stuckBy(node, wanted.value);
    if (stuck !== undefined) return refused(409, stuck);
  }
  const { who, why } = parsed.data;
  const outcome = await registry.append(wanted.value, { who, why }, within(APPEND_LIMIT_MS));
  return outcome.kind === 'won' ? { status: 200, body: orderView(outcome.order) } : notTaken(outcome);
}

function notTaken(outcome: Exclude<OrderOutcome, { readonly kind: 'won' }>): ApiAnswer {
  if (outcome.kind === 'unreachable')
    return refused(503, {
      code: 'order.unreachable',
      message: `The order is not known to stand: ${outcome.detail}.`,
      remedy: 'Look at `routerctl orders` when the hub is back; giving the order again does no harm.',
    });
  const { current } = outcome;
  return refused(409, {
    code: 'order.lost',
    message: `Another order came first${current === undefined ? '' : `: ${current.order.verb}, by ${current.who}`}.`,
    remedy: 'Look at `routerctl orders`, and give yours again if it still holds.',
  });
}

function orderOf(node: NodeView, body: OrderBody): Result<Order, ApiFault> {
  if ('node' in body) {
    const member = memberNamed(node.pools, body.node);
    return member.ok ? ok({ verb: body.verb, node: member.value }) : member;
  }
  const address = addressOf(body.address);
  if (address === undefined)
    return err({
      code: 'address.malformed',
      message: `"${body.address}" is not an IPv4 address.`,
      remedy: 'Write 10.77.60.10 or 10.77.60.10/32.',
    });
  const state = node.pools.find(({ context }) => prefixContains(context.prefix, address));
  if (state === undefined)
    return err({ code: 'address.outside-pools', message: `${body.address} lies in no pool of this node.` });
  const pool = state.context.name;
  if (body.verb === 'release') return ok({ verb: body.verb, pool, address });
  const sites = new Set([...state.context.members.values()].map(({ site }) => site));
  const owner = body.verb === 'freeze' ? state.plan(address)?.lease?.site : undefined;
  const site = body.site === undefined ? owner : [...sites].find((each) => each === body.site);
  if (site !== undefined) return ok({ verb: body.verb, pool, address, site });
  return err({
    code: 'order.unknown-site',
    message: body.site === undefined ? 'Say at which site.' : `"${body.site}" is no site of pool ${pool}.`,
    remedy: `Sites: ${[...sites].toSorted().join(', ')}.`,
  });
}

function memberNamed(pools: readonly PoolState[], text: string): Result<NodeName, ApiFault> {
  const name = parseNodeName(text);
  if (name.ok && pools.some(({ context }) => context.members.has(name.value))) return name;
  const known = new Set(pools.flatMap(({ context }) => [...context.members.keys()]));
  return err({
    code: 'order.unknown-node',
    message: `"${text}" is no member of a pool of this node.`,
    remedy: `Members: ${[...known].toSorted().join(', ') || 'none'}.`,
  });
}

/** A drain that nobody could take over from is refused; it is asked of the same planner that would carry it out. */
function stuckBy(node: NodeView, wanted: Order): ApiFault | undefined {
  if (wanted.verb !== 'drain') return undefined;
  const stuck = node.pools.flatMap((pool) => {
    const held = heldBy(pool, wanted.node);
    if (held.length === 0) return [];
    const { moves, unheld } = forecastOf(node, pool, { kind: 'drain', node: wanted.node });
    const moved = new Set(
      moves.flatMap(({ from, to, address }) => (from === wanted.node && to !== null ? [address] : [])),
    );
    return [...held.filter((address) => !moved.has(address)), ...unheld.map(({ address }) => address)];
  });
  const [first] = stuck;
  if (first === undefined) return undefined;
  return {
    code: 'order.no-successor',
    message: `No router could take over ${new Set(stuck).size} of the captures of ${wanted.node}, first ${first}.`,
    remedy: `See \`routerctl what-if drain ${wanted.node}\`; --force drains all the same, and it keeps those until somebody can.`,
  };
}

/** What depends on a node still, by the registry as this node reads it. Answers as soon as that is nothing, or after the wait. */
async function drainState(
  { node, registry, onChange, within }: OrderRoutesPorts,
  text: string,
  waitSeconds: number,
): Promise<ApiAnswer> {
  const member = memberNamed(node.pools, text);
  if (!member.ok) return refused(404, member.error);
  if (!(waitSeconds >= 0 && waitSeconds <= WAIT_SECONDS_MAX))
    return refused(400, { code: 'order.malformed', message: `wait is 0 to ${WAIT_SECONDS_MAX} seconds.` });
  const held = (): readonly HostAddress[] => node.pools.flatMap((pool) => stillAt(pool, member.value));
  if (waitSeconds > 0) await until(() => held().length === 0, onChange, within(waitSeconds * 1000));
  const ordered = [...registry.orders().values()].some(
    ({ order: given }) => given.verb === 'drain' && given.node === member.value,
  );
  const declared = node.pools.some((pool) => node.situation(pool).members.get(member.value)?.draining === true);
  return { status: 200, body: { node: member.value, draining: ordered || declared, held: held() } };
}

function heldBy(pool: PoolState, node: NodeName): readonly HostAddress[] {
  return [...pool.addresses()].filter((address) =>
    [...pool.records(address).values()].some(({ holder }) => holder === node),
  );
}

/** What the node holds, and what its successor has not verified yet: until then the provider may carry that to the node all the same. */
function stillAt(pool: PoolState, node: NodeName): readonly HostAddress[] {
  return [...pool.addresses()].filter((address) =>
    [...pool.records(address).values()].some(
      ({ holder, phase, previous }) =>
        holder === node || (previous === node && (phase === 'acquiring' || phase === 'confirmed')),
    ),
  );
}

async function until(
  condition: () => boolean,
  onChange: OrderRoutesPorts['onChange'],
  signal: AbortSignal,
): Promise<void> {
  if (condition() || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const give = (): void => resolve(undefined);
  const stop = onChange(() => {
    if (condition()) give();
  });
  signal.addEventListener('abort', give, { once: true });
  await promise;
  stop();
  signal.removeEventListener('abort', give);
}

function refused(status: 400 | 404 | 409 | 503, fault: ApiFault): ApiAnswer {
  return { status, fault };
}
