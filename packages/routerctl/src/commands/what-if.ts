/** routerctl what-if: what would follow from a drain, a failure, a fact or a configuration. Nothing is changed by asking. */
import { loadConfig, renderConfigReport } from '@routerd/routerd/config';
import { buildCommand, buildRouteMap } from '@stricli/core';
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
import { forecasts, forecastText } from '../forecast-text.ts';
import { knownAddresses, knownNodes } from '../known-names.ts';

/** Asks, shows, and exits 1 when an address would be left without a holder. */
async function ask(context: Context, flags: OutputFlags, title: string, question: unknown): Promise<void> {
  const answer = await clientOf(context, flags).post('/v1/what-if', question);
  show(context, flags.output, answer, (value) =>
    forecasts
      .parse(value)
      .items.map((item) => forecastText(title, item))
      .join('\n\n'),
  );
  if (answer.ok && forecasts.parse(answer.value).items.some(({ unheld, settled }) => unheld.length > 0 || !settled))
    context.process.exitCode = 1;
}

const flags = { output: outputFlag, socket: socketFlag } as const;

function aboutNode(kind: 'drain' | 'fail', brief: string) {
  return buildCommand<OutputFlags, [string], Context>({
    async func(this: Context, given: OutputFlags, node: string) {
      await ask(this, given, `what if ${node} ${kind === 'drain' ? 'drains' : 'fails'}`, { kind, node });
    },
    parameters: {
      flags,
      aliases: outputAliases,
      positional: {
        kind: 'tuple',
        parameters: [
          { brief: 'A member of a pool', parse: String, placeholder: 'node', proposeCompletions: knownNodes },
        ],
      },
    },
    docs: documented(brief, [`routerctl what-if ${kind} aws-router-a`]),
  });
}

interface FactFlags extends OutputFlags {
  readonly site: string | undefined;
  readonly node: string | undefined;
  readonly expired: boolean;
}

const factCommand = buildCommand<FactFlags, [string], Context>({
  async func(this: Context, given: FactFlags, address: string) {
    const { site, node, expired } = given;
    if ((site === undefined) === (node === undefined)) {
      fail(this, { code: 'what-if.whose-fact', message: 'Say whose fact: either --site or --node.' });
      this.process.exitCode = 2;
      return;
    }
    const says = expired ? 'expired' : 'observed';
    const who = node ?? `site ${site ?? ''}`;
    await ask(this, given, `what if ${who} says ${address} ${expired ? 'is gone' : 'lives there'}`, {
      kind: 'fact',
      address,
      says,
      ...(node === undefined ? {} : { node }),
      ...(site === undefined ? {} : { site }),
    });
  },
  parameters: {
    flags: {
      ...flags,
      site: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The site where it would be seen',
        placeholder: 'site',
      },
      node: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The router that would see it',
        placeholder: 'node',
      },
      expired: { kind: 'boolean', default: false, brief: 'It would be gone, rather than seen' },
    },
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'An address of a pool', parse: String, placeholder: 'address', proposeCompletions: knownAddresses },
      ],
    },
  },
  docs: documented('What would follow if an address were seen, or gone', [
    'routerctl what-if fact 10.77.60.50 --site aws',
    'routerctl what-if fact 10.77.60.10 --site onprem --expired',
  ]),
});

const applyCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, given: OutputFlags, location: string) {
    const config = loadConfig(location);
    if (!config.ok) return fail(this, config.error);
    if (!config.value.valid) {
      this.process.stderr.write(`${renderConfigReport(location, config.value)}\n`);
      this.process.exitCode = 1;
      return;
    }
    await ask(this, given, `what if all nodes are given the pools of ${location}`, {
      kind: 'apply',
      sources: config.value.sources,
    });
  },
  parameters: {
    flags,
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [{ brief: "This node's configuration as it would be", parse: String, placeholder: 'path' }],
    },
  },
  docs: documented('What would follow if all nodes were given the pools of a configuration', [
    'routerctl what-if apply /usr/local/etc/routerd',
  ]),
});

export const whatIfRoutes = buildRouteMap<string, Context>({
  routes: {
    drain: aboutNode('drain', 'What would follow if a router were drained'),
    fail: aboutNode('fail', 'What would follow if a router failed'),
    fact: factCommand,
    apply: applyCommand,
  },
  docs: {
    brief: 'What would happen, before it does',
    fullDescription: [
      'Runs the planner of every router on the live world with one thing different, and shows moves, their order, the calls that',
      'providers would get, and every address that nobody would capture. Changes nothing.',
      '',
      'EXAMPLES',
      '  routerctl what-if drain aws-router-a',
      '  routerctl what-if fail aws-router-a -o json',
      '  routerctl what-if fact 10.77.60.42 --site oci',
      '  routerctl what-if apply new/router.yaml',
      '',
      'EXIT CODES',
      '  0 every address would be captured   1 one would not, or the question was refused   2 wrong usage',
    ].join('\n'),
  },
});
