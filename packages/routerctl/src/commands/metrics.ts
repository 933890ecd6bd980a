import { buildCommand } from '@stricli/core';
import { clientOf, fail, socketFlag, type Context, type SocketFlags } from '../command-context.ts';

interface MetricsFlags extends SocketFlags {
  readonly only: string | undefined;
}

export const metricsCommand = buildCommand<MetricsFlags, [], Context>({
  async func(this: Context, flags: MetricsFlags) {
    const answer = await clientOf(this, flags).text('/metrics');
    if (!answer.ok) return fail(this, answer.error);
    const { only } = flags;
    const shown = only === undefined ? answer.value : familiesNamed(answer.value, only);
    this.process.stdout.write(shown);
    if (shown !== '') return undefined;
    return fail(this, {
      code: 'metrics.none',
      message: `No metric has "${only}" in its name.`,
      remedy: 'Show them all with `routerctl metrics`.',
    });
  },
  parameters: {
    flags: {
      only: { kind: 'parsed', parse: String, optional: true, brief: 'Part of the names to show', placeholder: 'text' },
      socket: socketFlag,
    },
  },
  docs: {
    brief: 'What the node measures, as Prometheus reads it',
    fullDescription: [
      'What the node measures, in the text format of Prometheus; docs/reference/metrics.md explains each.',
      'The same is answered to GET /metrics on the socket of the daemon.',
      '',
      'EXAMPLES',
      '  routerctl metrics --only federation',
      '  curl --unix-socket /run/routerd/routerd.sock http://routerd/metrics',
    ].join('\n'),
  },
});

/** A family begins with its line of help, which is followed by all that belongs to it. */
function familiesNamed(text: string, part: string): string {
  return text
    .split(/^(?=# HELP )/m)
    .filter((family) => (family.split(' ', 3)[2] ?? '').includes(part))
    .join('');
}
