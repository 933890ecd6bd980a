/** routerctl completion: what a shell reads to complete commands, flags and names. */
import { buildCommand } from '@stricli/core';
import type { Context } from '../command-context.ts';

/** A word that ends with a slash goes on: `get MobilityPool/`. */
const BASH = String.raw`# bash completion of routerctl: source <(routerctl completion)
_routerctl() {
  local IFS=$'\n'
  COMPREPLY=($(routerctl __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _routerctl routerctl
`.replaceAll(String.raw`\${`, '${');

export const completionCommand = buildCommand<Readonly<Record<string, never>>, [], Context>({
  func(this: Context) {
    this.process.stdout.write(BASH);
  },
  parameters: { flags: {} },
  docs: {
    brief: 'Write what bash needs to complete commands, flags and names',
    fullDescription: [
      'Write what bash needs to complete commands and flags, and names that the daemon knows: routers, addresses, kinds, actions.',
      '',
      'EXAMPLES',
      '  source <(routerctl completion)                                   for this shell',
      '  routerctl completion > /etc/bash_completion.d/routerctl          for all',
    ].join('\n'),
  },
});
