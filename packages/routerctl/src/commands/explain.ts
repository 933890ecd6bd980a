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

const explanation = z.object({ pools: z.array(z.object({ pool: z.string(), lines: z.array(z.string()) })) });

export const explainCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, address: string) {
    show(this, flags.output, await clientOf(this, flags).get(`/v1/explain/${encodeURIComponent(address)}`), (value) =>
      explanation
        .parse(value)
        .pools.map(({ pool, lines }) => [`${address} in pool ${pool}`, ...lines.map((line) => `  ${line}`)].join('\n'))
        .join('\n\n'),
    );
  },
  parameters: {
    flags: { output: outputFlag, socket: socketFlag },
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'An address of a pool, 10.77.60.10 or 10.77.60.10/32', parse: String, placeholder: 'address' },
      ],
    },
  },
  docs: { brief: 'Why an address is owned, captured and delivered as it is' },
});
