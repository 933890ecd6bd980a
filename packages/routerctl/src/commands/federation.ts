import { visibleLines } from '@routerd/resources';
import { buildCommand, buildRouteMap } from '@stricli/core';
import { z } from 'zod';
import {
  clientOf,
  fail,
  outputAliases,
  outputFlag,
  show,
  socketFlag,
  type Context,
  type OutputFlags,
} from '../command-context.ts';
import { documented } from '../documented.ts';
import { age, renderStructured, renderTable } from '../output.ts';
import { historyCommand, publishCommand } from './federation-custom.ts';
import { deliveriesCommand, federationStatusCommand, peersCommand } from './federation-status.ts';
import {
  addNodeCommand,
  initCommand,
  joinCommand,
  publishMembersCommand,
  removeNodeCommand,
  rotateCommand,
  updateCommand,
} from './federation-material.ts';

const event = z.object({
  id: z.string(),
  type: z.string(),
  source: z.string(),
  site: z.string(),
  pool: z.string(),
  subject: z.string(),
  sequence: z.number(),
  origin: z.string(),
  observedAt: z.number(),
  acceptedAt: z.number(),
  expiresAt: z.number(),
});
const events = z.object({ items: z.array(event) });

const only = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, variadic: true, optional: true, brief, placeholder }) as const;
const factFilterFlags = {
  type: only('Only of this type', 'type'),
  source: only('Only of this node', 'node'),
  subjectPrefix: only('Only where the address begins so', 'text'),
} as const;

interface EmitFlags extends OutputFlags {
  readonly type: string;
  readonly address: string;
  readonly pool: string | undefined;
  readonly ttl: string | undefined;
}

const emitCommand = buildCommand<EmitFlags, [], Context>({
  async func(this: Context, flags: EmitFlags) {
    const { type, address, pool, ttl } = flags;
    const answer = await clientOf(this, flags).post('/v1/federation/events', {
      type,
      address,
      ...(pool === undefined ? {} : { pool }),
      ...(ttl === undefined ? {} : { ttl }),
    });
    show(this, flags.output, answer, (value) => `fact ${event.pick({ id: true }).parse(value).id} recorded`);
  },
  parameters: {
    flags: {
      type: {
        kind: 'parsed',
        parse: String,
        brief: 'Type of the fact',
        placeholder: 'type',
        default: 'routerd.client.ipv4.observed',
      },
      address: { kind: 'parsed', parse: String, brief: 'What was seen, as A.B.C.D/32', placeholder: 'address' },
      pool: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Pool of the address; needed when the node has several',
        placeholder: 'name',
      },
      ttl: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: "How long the fact stands without being repeated [default: the pool's leasePolicy.ttl]",
        placeholder: 'duration',
      },
      output: outputFlag,
      socket: socketFlag,
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Record a fact at this node, for all nodes',
    fullDescription:
      'Record a fact at this node, for all nodes. A node speaks for its own site only, and never about an address that a router of its site captures.\n\nEXAMPLES\n  routerctl federation event emit --address 10.77.60.11/32 --ttl 24h\n  routerctl federation event emit --type routerd.client.ipv4.expired --address 10.77.60.11/32',
  },
});

interface ListFlags extends OutputFlags {
  readonly type: readonly string[] | undefined;
  readonly source: readonly string[] | undefined;
  readonly subjectPrefix: readonly string[] | undefined;
}

const listCommand = buildCommand<ListFlags, [], Context>({
  async func(this: Context, flags: ListFlags) {
    const answer = await clientOf(this, flags).get('/v1/federation/events');
    const meant = answer.ok
      ? { ok: true as const, value: { items: events.parse(answer.value).items.filter(isMeantBy(flags)) } }
      : answer;
    show(this, flags.output, meant, (value) => tableOf(events.parse(value).items, this.now()));
  },
  parameters: {
    flags: { ...factFilterFlags, output: outputFlag, socket: socketFlag },
    aliases: outputAliases,
  },
  docs: documented('List the last accepted fact of each node about each address', [
    'routerctl federation event list',
    'routerctl federation event list --source aws-router-a --subject-prefix 10.77.60.',
  ]),
});

function isMeantBy({ type, source, subjectPrefix }: Omit<ListFlags, keyof OutputFlags>) {
  return (item: z.output<typeof event>): boolean =>
    (type?.includes(item.type) ?? true) &&
    (source?.includes(item.source) ?? true) &&
    (subjectPrefix?.some((prefix) => item.subject.startsWith(prefix)) ?? true);
}

function tableOf(items: readonly z.output<typeof event>[], now: number): string {
  return renderTable(
    [
      { title: 'ADDRESS', value: (item: z.output<typeof event>) => item.subject },
      { title: 'TYPE', value: (item) => item.type },
      { title: 'SOURCE', value: (item) => item.source },
      { title: 'SITE', value: (item) => item.site },
      { title: 'SEQUENCE', value: (item) => item.sequence },
      { title: 'ORIGIN', value: (item) => item.origin },
      { title: 'AGE', value: (item) => age(now - item.acceptedAt) },
      { title: 'EXPIRES', value: (item) => (item.expiresAt <= now ? 'passed' : age(item.expiresAt - now)) },
    ],
    items,
  );
}

type WatchFlags = ListFlags;

/** Until it is interrupted, or the daemon goes away. */
const watchCommand = buildCommand<WatchFlags, [], Context>({
  async func(this: Context, flags: WatchFlags) {
    const client = clientOf(this, flags);
    const news = events.extend({ last: z.number(), missed: z.number() });
    for (let after: number | undefined; ;) {
      const answer = await client.get(`/v1/federation/news${after === undefined ? '' : `?after=${after}`}`);
      if (!answer.ok) return fail(this, answer.error);
      const { items, last, missed } = news.parse(answer.value);
      if (missed > 0) this.process.stderr.write(`${missed} facts came too fast to be shown\n`);
      for (const item of items.filter(isMeantBy(flags)))
        this.process.stdout.write(visibleLines(newsText(item, flags.output)));
      after = last;
    }
  },
  parameters: {
    flags: { ...factFilterFlags, output: outputFlag, socket: socketFlag },
    aliases: outputAliases,
  },
  docs: documented('Print facts as they are accepted, one a line, until interrupted', [
    'routerctl federation event watch',
    'routerctl federation event watch -o json | jq -r .subject',
  ]),
});

/** One line for each fact, in JSON too; one document in YAML. */
function newsText(item: z.output<typeof event>, output: OutputFlags['output']): string {
  const { type, subject, source, site, origin, sequence } = item;
  if (output === 'table') return `${subject} ${type} ${source} ${site} ${sequence} ${origin}\n`;
  return output === 'json' ? `${JSON.stringify(item)}\n` : `---\n${renderStructured(output, item)}\n`;
}

export const federationRoutes = buildRouteMap<string, Context>({
  routes: {
    event: buildRouteMap<string, Context>({
      routes: {
        emit: emitCommand,
        list: listCommand,
        watch: watchCommand,
        publish: publishCommand,
        history: historyCommand,
      },
      docs: { brief: 'Facts about addresses, and events of any other type' },
    }),
    status: federationStatusCommand,
    peers: peersCommand,
    deliveries: deliveriesCommand,
    init: initCommand,
    'add-node': addNodeCommand,
    rotate: rotateCommand,
    'remove-node': removeNodeCommand,
    publish: publishMembersCommand,
    join: joinCommand,
    update: updateCommand,
  },
  docs: { brief: 'Facts that sites tell each other, and who may' },
});
