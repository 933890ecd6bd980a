/** Names that the daemon knows, for completion at a prompt: quick, and none where it cannot be asked. */
import { z } from 'zod';
import { clientOf, type Context } from './command-context.ts';

/** Whoever pressed a key waits for it. */
const PATIENCE_MS = 1500;

const pools = z.object({ items: z.array(z.object({ members: z.array(z.object({ node: z.string() })) })) });
const leases = z.object({ items: z.array(z.object({ address: z.string() })) });
const actions = z.object({ items: z.array(z.object({ id: z.number() })) });
const resources = z.object({
  items: z.array(z.object({ kind: z.string(), metadata: z.object({ name: z.string() }) })),
});

type Propose = (this: Context, partial: string) => Promise<readonly string[]>;

function proposing<T>(path: string, schema: z.ZodType<T>, namesOf: (answer: T, partial: string) => readonly string[]) {
  const propose: Propose = async function (this: Context, partial) {
    const answer = await clientOf(this, { socket: undefined }).get(path, PATIENCE_MS);
    const known = answer.ok ? schema.safeParse(answer.value).data : undefined;
    const names = known === undefined ? [] : namesOf(known, partial);
    return [...new Set(names)].filter((name) => name.startsWith(partial));
  };
  return propose;
}

export const knownNodes = proposing('/v1/mobility/pools', pools, ({ items }) =>
  items.flatMap(({ members }) => members.map(({ node }) => node)),
);

/** Bare ones, as `explain` is mostly asked. */
export const knownAddresses = proposing('/v1/mobility/leases', leases, ({ items }) =>
  items.map(({ address }) => address.replace('/32', '')),
);

export const knownActions = proposing('/v1/actions', actions, ({ items }) => items.map(({ id }) => String(id)));

/** Kinds until there is a slash, then the names of that kind. */
export const knownResources = proposing('/v1/resources', resources, ({ items }, partial) =>
  items.map(({ kind, metadata }) => (partial.includes('/') ? `${kind}/${metadata.name}` : kind)),
);
