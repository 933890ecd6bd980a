import { buildCommand } from '@stricli/core';
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
import { renderTable } from '../output.ts';

const STATUSES = ['skip', 'pass', 'warn', 'fail'] as const;
const report = z.object({
  summary: z.object({
    overall: z.enum(STATUSES),
    skip: z.number(),
    pass: z.number(),
    warn: z.number(),
    fail: z.number(),
  }),
  checks: z.array(
    z.object({
      area: z.string(),
      code: z.string(),
      name: z.string(),
      status: z.enum(STATUSES),
      detail: z.string(),
      remedy: z.string().optional(),
    }),
  ),
});
type Report = z.output<typeof report>;

interface DoctorFlags extends OutputFlags {
  readonly host: boolean;
}

export const doctorCommand = buildCommand<DoctorFlags, [string?], Context>({
  async func(this: Context, flags: DoctorFlags, area?: string) {
    const query = new URLSearchParams({ ...(area === undefined ? {} : { area }), host: `${flags.host}` });
    const answer = await clientOf(this, flags).get(`/v1/doctor?${query.toString()}`);
    show(this, flags.output, answer, (value) => reportText(report.parse(value)));
    if (!answer.ok || report.parse(answer.value).summary.fail === 0) return;
    fail(this, { code: 'doctor.failing', message: 'doctor found failing checks' });
  },
  parameters: {
    flags: {
      output: outputFlag,
      socket: socketFlag,
      host: { kind: 'boolean', default: true, brief: 'Look at the host too; --no-host runs no program there' },
    },
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'hybrid, federation, dynamic, plugin or actions; all of them unless told',
          parse: String,
          placeholder: 'area',
          optional: true,
        },
      ],
    },
  },
  docs: {
    brief: 'Look for what is wrong on this node, with a remedy for each finding',
    fullDescription: [
      'Look for what is wrong on this node, with a remedy for each finding. Nothing is changed.',
      '',
      'EXAMPLES',
      '  routerctl doctor                                 all areas',
      '  routerctl doctor hybrid                          tunnels, routes, captures, the host',
      '  routerctl doctor federation --no-host -o json',
      '',
      'EXIT CODES',
      '  0 nothing fails   1 a check fails, or the daemon cannot be asked   2 wrong usage',
    ].join('\n'),
  },
});

/** What needs somebody comes last, next to the prompt. */
function reportText({ checks, summary }: Report): string {
  const table = renderTable(
    [
      { title: 'STATUS', value: (row: Report['checks'][number]) => row.status.toUpperCase() },
      { title: 'CHECK', value: (row) => row.code },
      { title: 'NAME', value: (row) => row.name },
      { title: 'FOUND', value: (row) => row.detail },
    ],
    checks,
  );
  const remedies = checks
    .filter(({ remedy }) => remedy !== undefined)
    .map(({ code, name, remedy }) => `  ${code} ${name}\n    ${remedy ?? ''}`);
  const counts = STATUSES.toReversed().map((status) => `${summary[status]} ${status}`);
  return [table, ...(remedies.length === 0 ? [] : [`REMEDIES\n${remedies.join('\n')}`]), counts.join(', ')].join(
    '\n\n',
  );
}
