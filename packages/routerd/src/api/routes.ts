/** What the daemon answers. Each route reads the live view or hands one order to its engine; nothing is decided here. */
import { FACT_TYPES, type FactFault, type FactType } from '@routerd/federation';
import { parseDuration } from '@routerd/resources';
import { z } from 'zod';
import { explainView } from '../views/explain-view.ts';
import { factsView } from '../views/fact-view.ts';
import type { NodeView } from '../views/node-view.ts';
import { resourceViews } from '../views/resource-view.ts';
import { statusView } from '../views/status-view.ts';
import { actionRoutes } from './action-routes.ts';
import { addressOf, meantAddress, meantName } from './address-text.ts';
import type { ApiAnswer, ApiFault, Route } from './http-server.ts';
import type { NodeOrders } from './orders.ts';

export function createRoutes(node: NodeView, orders: NodeOrders): readonly Route[] {
  return [
    { method: 'GET', pattern: '/v1/status', handle: () => done(statusView(node)) },
    {
      method: 'GET',
      pattern: '/v1/resources',
      handle: async ({ query }) => {
        await orders.refreshHost();
        return resources(node, query);
      },
    },
    { method: 'GET', pattern: '/v1/explain/:address', handle: ({ params }) => explain(node, params['address'] ?? '') },
    { method: 'GET', pattern: '/v1/federation/events', handle: () => done(factsView(node.facts())) },
    { method: 'POST', pattern: '/v1/federation/events', handle: ({ body }) => emit(orders, body) },
    ...actionRoutes(node, orders),
  ];
}

function done(body: unknown): ApiAnswer {
  return { status: 200, body };
}

function refused(status: 400 | 404 | 409 | 503, fault: ApiFault): ApiAnswer {
  return { status, fault };
}

function resources(node: NodeView, query: URLSearchParams): ApiAnswer {
  const kind = query.get('kind') ?? undefined;
  const name = query.get('name') ?? undefined;
  const items = resourceViews(node, {
    ...(kind === undefined ? {} : { kind }),
    ...(name === undefined ? {} : { name }),
  });
  if (items.length > 0 || kind === undefined) return done({ items });
  const known = [...new Set(resourceViews(node, {}).map((view) => view.kind))];
  const isKnown = known.some((other) =>
    [other.toLowerCase(), `${other.toLowerCase()}s`, `${other.toLowerCase()}es`].includes(kind.toLowerCase()),
  );
  if (isKnown && name === undefined) return done({ items });
  return refused(
    404,
    isKnown
      ? {
          code: 'resource.not-found',
          message: `There is no ${kind} named "${name}".`,
          remedy: `${meantName(name ?? '', namesOf(node, kind))}List them with \`routerctl get ${kind}\`.`,
        }
      : {
          code: 'resource.unknown-kind',
          message: `There is no resource of kind "${kind}".`,
          remedy: `${meantName(kind, known)}Kinds in use: ${known.join(', ')}.`,
        },
  );
}

function namesOf(node: NodeView, kind: string): readonly string[] {
  return resourceViews(node, { kind }).map(({ metadata }) => metadata.name);
}

function explain(node: NodeView, text: string): ApiAnswer {
  const address = addressOf(text);
  if (address === undefined)
    return refused(400, {
      code: 'address.malformed',
      message: `"${text}" is not an IPv4 address.`,
      remedy: `${meantAddress(node.pools, text)}Write 10.77.60.10 or 10.77.60.10/32.`,
    });
  const pools = explainView(node, address);
  if (pools.length > 0) return done({ address, pools });
  const prefixes = node.pools.map(({ context }) => `${context.name} ${context.prefix}`).join(', ');
  return refused(404, {
    code: 'address.outside-pools',
    message: `${text} lies in no pool of this node.`,
    remedy: `${meantAddress(node.pools, text)}Pools: ${prefixes || 'none'}.`,
  });
}

const emitBody = z.strictObject({
  type: z.enum(FACT_TYPES),
  address: z.string(),
  pool: z.string().optional(),
  ttl: z.string().optional(),
});

function emit(orders: NodeOrders, body: unknown): ApiAnswer {
  const parsed = emitBody.safeParse(body);
  if (!parsed.success) {
    const isType = parsed.error.issues.every(({ path }) => path[0] === 'type');
    return refused(400, {
      code: 'fact.malformed',
      message: isType ? 'That is no type of a fact about an address.' : z.prettifyError(parsed.error),
      remedy: `Types: ${FACT_TYPES.join(', ')}. Any other: \`routerctl federation event publish\`.`,
    });
  }
  const address = addressOf(parsed.data.address);
  if (address === undefined)
    return refused(400, {
      code: 'address.malformed',
      message: `"${parsed.data.address}" is not an IPv4 host address.`,
      remedy: 'Write 10.77.60.11/32.',
    });
  const ttl = parsed.data.ttl === undefined ? undefined : parseDuration(parsed.data.ttl);
  if (ttl?.ok === false || ttl?.value === 0)
    return refused(400, {
      code: 'duration.malformed',
      message: `"${parsed.data.ttl ?? ''}" is not a duration above zero.`,
      remedy: 'Write 30s, 10m or 24h.',
    });
  const type: FactType = parsed.data.type;
  const recorded = orders.emit({ type, address, pool: parsed.data.pool, ttl: ttl?.value });
  return recorded.ok
    ? done({ id: recorded.value.id, sequence: recorded.value.sequence })
    : refused(409, 'message' in recorded.error ? recorded.error : factFault(recorded.error));
}

function factFault(fault: FactFault): ApiFault {
  switch (fault.code) {
    case 'fact.self-capture':
      return {
        code: fault.code,
        message: `federation observed event for ${fault.address} rejected: address is locally captured by ${fault.detail}`,
        remedy: 'An address is observed at the site where it lives, not where it is captured.',
      };
    case 'fact.outside-pool':
      return { code: fault.code, message: `${fault.address} lies outside the prefix of pool ${fault.pool}.` };
    case 'fact.unknown-pool':
      return {
        code: fault.code,
        message: `This node has no pool "${fault.pool}".`,
        remedy: 'List them with `routerctl get mobilitypools`.',
      };
    case 'fact.wrong-site':
      return {
        code: fault.code,
        message: `A fact for site ${fault.site} of pool ${fault.pool} cannot be recorded here: ${fault.detail}.`,
        remedy: 'Record it at a router of that site.',
      };
    case 'fact.not-stored':
      return {
        code: fault.code,
        message: `The fact could not be stored: ${fault.detail}.`,
        remedy: 'Free space in the state directory; nothing was published.',
      };
  }
}
