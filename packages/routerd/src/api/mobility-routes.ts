/** What the daemon answers about leases, captures and pools, and about what would follow if something happened. */
import { poolContexts, type Hypothesis, type PoolContext } from '@routerd/mobility';
import {
  err,
  loadConfiguration,
  ok,
  parseNodeName,
  prefixContains,
  type NodeName,
  type Result,
} from '@routerd/resources';
import { z } from 'zod';
import type { PoolState } from '../pool-state.ts';
import { forecastView } from '../views/forecast-view.ts';
import { captureRows, leaseRows, poolRows } from '../views/mobility-view.ts';
import type { NodeView } from '../views/node-view.ts';
import { addressOf, meantAddress, meantName } from './address-text.ts';
import type { ApiAnswer, ApiFault, Route } from './http-server.ts';

export function mobilityRoutes(node: NodeView): readonly Route[] {
  const items = (rows: (view: NodeView) => readonly unknown[]): ApiAnswer => ({
    status: 200,
    body: { items: rows(node) },
  });
  return [
    { method: 'GET', pattern: '/v1/mobility/leases', handle: () => items(leaseRows) },
    { method: 'GET', pattern: '/v1/mobility/captures', handle: () => items(captureRows) },
    { method: 'GET', pattern: '/v1/mobility/pools', handle: () => items(poolRows) },
    { method: 'POST', pattern: '/v1/what-if', handle: ({ body }) => whatIf(node, body) },
  ];
}

const question = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['drain', 'fail']), node: z.string() }),
  z.strictObject({
    kind: z.literal('fact'),
    address: z.string(),
    node: z.string().optional(),
    site: z.string().optional(),
    says: z.enum(['observed', 'expired']).default('observed'),
  }),
  z.strictObject({
    kind: z.literal('apply'),
    sources: z.array(z.strictObject({ file: z.string(), text: z.string() })).min(1),
  }),
]);
type Question = z.output<typeof question>;

interface Asked {
  readonly pool: PoolState;
  readonly hypothesis: Hypothesis;
}

function whatIf(node: NodeView, body: unknown): ApiAnswer {
  const parsed = question.safeParse(body);
  if (!parsed.success)
    return {
      status: 400,
      fault: {
        code: 'what-if.malformed',
        message: z.prettifyError(parsed.error),
        remedy: 'Ask for drain, fail, fact or apply; see `routerctl what-if --help`.',
      },
    };
  const asked = hypothesesOf(node.pools, parsed.data);
  if (!asked.ok) return { status: 409, fault: asked.error };
  return {
    status: 200,
    body: { items: asked.value.map(({ pool, hypothesis }) => forecastView(node, pool, hypothesis)) },
  };
}

/** One for each pool that the question is about; never none. */
function hypothesesOf(pools: readonly PoolState[], asked: Question): Result<readonly Asked[], ApiFault> {
  switch (asked.kind) {
    case 'drain':
    case 'fail': {
      const node = parseNodeName(asked.node);
      const concerned = node.ok ? pools.filter(({ context }) => context.members.has(node.value)) : [];
      if (!node.ok || concerned.length === 0) return err(unknownName(pools, 'node', asked.node));
      return ok(concerned.map((pool) => ({ pool, hypothesis: { kind: asked.kind, node: node.value } })));
    }
    case 'fact':
      return factHypothesis(pools, asked);
    case 'apply':
      return applyHypotheses(pools, asked.sources);
  }
}

function factHypothesis(
  pools: readonly PoolState[],
  asked: Question & { readonly kind: 'fact' },
): Result<readonly Asked[], ApiFault> {
  const address = addressOf(asked.address);
  if (address === undefined)
    return err({
      code: 'address.malformed',
      message: `"${asked.address}" is not an IPv4 address.`,
      remedy: 'Write 10.77.60.10 or 10.77.60.10/32.',
    });
  const pool = pools.find(({ context }) => prefixContains(context.prefix, address));
  if (pool === undefined)
    return err({
      code: 'address.outside-pools',
      message: `${asked.address} lies in no pool of this node.`,
      remedy: `${meantAddress(pools, asked.address)}Pools: ${pools.map(({ context }) => `${context.name} ${context.prefix}`).join(', ') || 'none'}.`,
    });
  const node = speakerOf(pool.context, asked);
  if (node === undefined)
    return err(
      asked.node === undefined ? unknownName(pools, 'site', asked.site ?? '') : unknownName(pools, 'node', asked.node),
    );
  const isOfSite = asked.node === undefined;
  return ok([{ pool, hypothesis: { kind: 'fact', node, address, says: asked.says, isOfSite } }]);
}

/** The router named, or the first of the site named: whichever of them sees the machine, the site has it. None sees it that is gone. */
function speakerOf(
  { members }: PoolContext,
  asked: { readonly node?: string | undefined; readonly site?: string | undefined },
): NodeName | undefined {
  const named = [...members.values()].filter(({ node, site }) =>
    asked.node === undefined ? site === asked.site : node === asked.node,
  );
  return named.toSorted((a, b) => a.priority - b.priority || (a.node < b.node ? -1 : 1))[0]?.node;
}

function applyHypotheses(
  pools: readonly PoolState[],
  sources: readonly { readonly file: string; readonly text: string }[],
): Result<readonly Asked[], ApiFault> {
  const { resources, diagnostics } = loadConfiguration(sources);
  const problem = diagnostics.find(({ severity }) => severity === 'error');
  if (problem !== undefined)
    return err({
      code: 'what-if.not-valid',
      message: `The configuration is not valid: ${problem.file}: ${problem.message}`,
      remedy: 'Check it with `routerctl validate`.',
    });
  const contexts = poolContexts(resources.map(({ value }) => value));
  if (!contexts.ok) return err(contexts.error);
  const asked = contexts.value.flatMap((context) => {
    const pool = pools.find((each) => each.context.name === context.name);
    return pool === undefined ? [] : [{ pool, hypothesis: { kind: 'apply' as const, context } }];
  });
  if (asked.length > 0) return ok(asked);
  return err({
    code: 'what-if.other-pools',
    message: 'The configuration has no MobilityPool that this node knows.',
    remedy: `Pools: ${pools.map(({ context }) => context.name).join(', ') || 'none'}.`,
  });
}

function unknownName(pools: readonly PoolState[], kind: 'node' | 'site', name: string): ApiFault {
  const members = pools.flatMap(({ context }) => [...context.members.values()]);
  const known = [...new Set(members.map((member) => member[kind]))].toSorted();
  const meant = meantName(name, known);
  return kind === 'node'
    ? {
        code: 'what-if.unknown-node',
        message: `"${name}" is no member of a pool of this node.`,
        remedy: `${meant}Members: ${known.join(', ') || 'none'}.`,
      }
    : {
        code: 'what-if.unknown-site',
        message: `"${name}" is no site of a pool of this node.`,
        remedy: `${meant}Sites: ${known.join(', ') || 'none'}.`,
      };
}
