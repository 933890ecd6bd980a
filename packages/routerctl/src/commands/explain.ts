import { visibleWord } from '@routerd/resources';
import { buildCommand } from '@stricli/core';
import { z } from 'zod';
import {
  clientOf,
  outputAliases,
  outputFlag,
  show,
  socketFlag,
  type Context,
  type OutputFlags,
} from '../command-context.ts';
import { knownAddresses } from '../known-names.ts';

const explanation = z.object({ pools: z.array(z.object({ pool: z.string(), lines: z.array(z.string()) })) });

export const explainCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, address: string) {
    show(this, flags.output, await clientOf(this, flags).get(`/v1/explain/${encodeURIComponent(address)}`), (value) =>
      explanation
        .parse(value)
        .pools.map(({ pool, lines }) =>
          [`${address} in pool ${pool}`, ...lines.map((line) => `  ${visibleWord(line)}`)].join('\n'),
        )
        .join('\n\n'),
    );
  },
  parameters: {
    flags: { output: outputFlag, socket: socketFlag },
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'An address of a pool, 10.77.60.10 or 10.77.60.10/32',
          parse: String,
          placeholder: 'address',
          proposeCompletions: knownAddresses,
        },
      ],
    },
  },
  docs: {
    brief: 'Why an address is owned, captured and delivered as it is',
    fullDescription: [
      'The facts about an address with their age, the rules that follow from them, the routers that were not chosen, what would change it, and',
      'what is due next, as this node sees it.',
      '',
      'EXAMPLES',
      '  routerctl explain 10.77.60.10',
      '  routerctl explain 10.77.60.10 -o json',
      '',
      'EXIT CODES',
      '  0 explained   1 no address of a pool, or the daemon cannot be asked   2 wrong usage',
    ].join('\n'),
  },
});
