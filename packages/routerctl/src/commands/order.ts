/** Operators' orders: drain and undrain a router; freeze, hand over and release an address. */
import { userInfo } from 'node:os';
import { buildCommand } from '@stricli/core';
import { z } from 'zod';
import type { ApiClient, ClientResult } from '../api-client.ts';
import {
  clientOf,
  outputAliases,
  outputFlag,
  show,
  socketFlag,
  type Context,
  type OutputFlags,
} from '../command-context.ts';
import { documented } from '../documented.ts';
import { age, renderTable } from '../output.ts';
import { knownAddresses, knownNodes } from '../known-names.ts';
import { timeoutFlag } from '../timeout-flag.ts';

const order = z.object({
  subject: z.string(),
  version: z.number(),
  verb: z.string(),
  node: z.string().optional(),
  pool: z.string().optional(),
  address: z.string().optional(),
  site: z.string().optional(),
  who: z.string(),
  why: z.string(),
  when: z.iso.datetime(),
});
type OrderView = z.output<typeof order>;
const orders = z.object({ items: z.array(order) });
const drainState = z.object({ node: z.string(), draining: z.boolean(), held: z.array(z.string()) });

interface OrderFlags extends OutputFlags {
  readonly reason: string | undefined;
  readonly by: string | undefined;
}

const orderFlags = {
  output: outputFlag,
  socket: socketFlag,
  reason: { kind: 'parsed', parse: String, optional: true, brief: 'Why, for people', placeholder: 'text' },
  by: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'Who orders it [default: $SUDO_USER or the user]',
    placeholder: 'name',
  },
} as const;

const nodeParameter = {
  kind: 'tuple',
  parameters: [{ brief: 'A member of a pool', parse: String, placeholder: 'node', proposeCompletions: knownNodes }],
} as const;
const addressParameter = {
  kind: 'tuple',
  parameters: [
    { brief: 'An address of a pool', parse: String, placeholder: 'address', proposeCompletions: knownAddresses },
  ],
} as const;

function signed(context: Context, { by, reason }: OrderFlags): { readonly who: string; readonly why: string } {
  return { who: by ?? context.process.env['SUDO_USER'] ?? userInfo().username, why: reason ?? '' };
}

function subjectText({ node, address }: OrderView): string {
  return node ?? address ?? '';
}

interface DrainFlags extends OrderFlags {
  readonly wait: boolean;
  readonly timeout: number;
  readonly force: boolean;
}

/** One question to the daemon waits that long at most, in seconds. */
const WAIT_SECONDS = 10;

export const drainCommand = buildCommand<DrainFlags, [string], Context>({
  async func(this: Context, flags: DrainFlags, node: string) {
    const client = clientOf(this, flags);
    const body = { verb: 'drain', node, force: flags.force, ...signed(this, flags) };
    const ordered = await client.post('/v1/orders', body);
    if (!ordered.ok || !flags.wait) {
      const left = (): string => `${node} drains. Ask \`routerctl drain ${node} --wait\` when it may be switched off.`;
      return show(this, flags.output, ordered, left);
    }
    const state = await waitUntilReleased(this, client, { node, seconds: flags.timeout });
    show(this, flags.output, state, (value) => drainText(drainState.parse(value), flags.timeout));
    if (state.ok && drainState.parse(state.value).held.length > 0) this.process.exitCode = 1;
  },
  parameters: {
    flags: {
      ...orderFlags,
      wait: { kind: 'boolean', default: false, brief: 'Wait until the router captures nothing any more' },
      timeout: timeoutFlag(600),
      force: { kind: 'boolean', default: false, brief: 'Drain even if addresses are left without a router' },
    },
    aliases: outputAliases,
    positional: nodeParameter,
  },
  docs: {
    brief: 'Move every capture away from a router',
    fullDescription: [
      'Move every capture away from a router. The order stands at all nodes until `undrain`, also over restarts.',
      '',
      'EXAMPLES',
      '  routerctl what-if drain aws-router-a             what would move, and in which order',
      "  routerctl drain aws-router-a --wait --reason 'kernel update'",
      '  routerctl undrain aws-router-a',
      '',
      'EXIT CODES',
      '  0 ordered; with --wait: it may be switched off   1 refused, or captures are left   2 wrong usage',
    ].join('\n'),
  },
});

/** Tells on standard error how many are left whenever that changes. */
async function waitUntilReleased(
  context: Context,
  client: ApiClient,
  { node, seconds }: { readonly node: string; readonly seconds: number },
): Promise<ClientResult> {
  const end = context.now() + seconds * 1000;
  let told: number | undefined;
  for (;;) {
    const left = Math.max(0, Math.ceil((end - context.now()) / 1000));
    const wait = Math.min(WAIT_SECONDS, left);
    const answer = await client.get(`/v1/drains/${encodeURIComponent(node)}?wait=${wait}`);
    if (!answer.ok) return answer;
    const { held } = drainState.parse(answer.value);
    if (held.length === 0 || left === 0) return answer;
    if (held.length !== told) context.process.stderr.write(`${node} still captures ${held.length} addresses\n`);
    told = held.length;
  }
}

function drainText({ node, held }: z.output<typeof drainState>, seconds: number): string {
  if (held.length === 0) return `${node} captures nothing: it may be switched off.`;
  return `${node} still captures ${held.length} addresses after ${seconds} s, first ${held[0] ?? ''}.`;
}

export const undrainCommand = buildCommand<OrderFlags, [string], Context>({
  async func(this: Context, flags: OrderFlags, node: string) {
    const answer = await clientOf(this, flags).post('/v1/orders', { verb: 'undrain', node, ...signed(this, flags) });
    show(this, flags.output, answer, () => `${node} may capture again.`);
  },
  parameters: { flags: orderFlags, aliases: outputAliases, positional: nodeParameter },
  docs: documented('Let a drained router capture again', ['routerctl undrain aws-router-a']),
});

interface SiteFlags extends OrderFlags {
  readonly site: string | undefined;
}

export const handOverCommand = buildCommand<OrderFlags & { readonly to: string }, [string], Context>({
  async func(this: Context, flags: OrderFlags & { readonly to: string }, address: string) {
    const body = { verb: 'hand-over', address, site: flags.to, ...signed(this, flags) };
    const answer = await clientOf(this, flags).post('/v1/orders', body);
    show(this, flags.output, answer, (value) => {
      const said = order.parse(value);
      return `${said.address ?? address} goes to ${flags.to} as soon as that site sees it.`;
    });
  },
  parameters: {
    flags: { ...orderFlags, to: { kind: 'parsed', parse: String, brief: 'Site that gets it', placeholder: 'site' } },
    aliases: outputAliases,
    positional: addressParameter,
  },
  docs: {
    brief: 'Hand an address over to another site',
    fullDescription: [
      'Hand an address over to another site: its captures there are released first, since a cloud refuses an address that its router still has.',
      '',
      'EXAMPLES',
      '  routerctl mobility hand-over 10.77.60.10 --to aws',
      '  routerctl mobility release 10.77.60.10           takes the order back',
    ].join('\n'),
  },
});

export const freezeCommand = buildCommand<SiteFlags, [string], Context>({
  async func(this: Context, flags: SiteFlags, address: string) {
    const { site } = flags;
    const body = { verb: 'freeze', address, ...(site === undefined ? {} : { site }), ...signed(this, flags) };
    const answer = await clientOf(this, flags).post('/v1/orders', body);
    show(this, flags.output, answer, (value) => {
      const said = order.parse(value);
      return `${said.address ?? address} stays at ${said.site ?? ''} until it is released.`;
    });
  },
  parameters: {
    flags: {
      ...orderFlags,
      site: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Where it is kept [default: where it is]',
        placeholder: 'site',
      },
    },
    aliases: outputAliases,
    positional: addressParameter,
  },
  docs: documented('Keep an address at its site, whatever is seen elsewhere', [
    "routerctl mobility freeze 10.77.60.10 --reason 'its clone is being tested'",
    'routerctl mobility release 10.77.60.10            takes the order back',
  ]),
});

export const releaseCommand = buildCommand<OrderFlags, [string], Context>({
  async func(this: Context, flags: OrderFlags, address: string) {
    const answer = await clientOf(this, flags).post('/v1/orders', { verb: 'release', address, ...signed(this, flags) });
    show(this, flags.output, answer, () => `${address} follows what is seen of it again.`);
  },
  parameters: { flags: orderFlags, aliases: outputAliases, positional: addressParameter },
  docs: documented('End a freeze or a hand-over', ['routerctl mobility release 10.77.60.10']),
});

export const ordersCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    show(this, flags.output, await clientOf(this, flags).get('/v1/orders'), (value) =>
      renderTable(
        [
          { title: 'ORDER', value: (row: OrderView) => row.verb },
          { title: 'SUBJECT', value: subjectText },
          { title: 'SITE', value: (row) => row.site ?? '-' },
          { title: 'VERSION', value: (row) => row.version },
          { title: 'BY', value: (row) => row.who },
          { title: 'AGE', value: (row) => age(this.now() - Date.parse(row.when)) },
          { title: 'WHY', value: (row) => row.why },
        ],
        orders.parse(value).items,
      ),
    );
  },
  parameters: { flags: { output: outputFlag, socket: socketFlag }, aliases: outputAliases },
  docs: documented('What operators have ordered', ['routerctl orders']),
});
