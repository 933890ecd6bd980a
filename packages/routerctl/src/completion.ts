/** What may stand at the cursor: commands and flags by the definitions of the commands, names by asking the daemon. */
import { proposeCompletions } from '@stricli/core';
import { application } from './application.ts';
import { argumentsOf } from './arguments.ts';
import type { Context } from './command-context.ts';

/**
 * The word with which the shell asks; no command of people.
 * The script of `routerctl completion` passes the words before the cursor, and the one that is being written last.
 */
export const COMPLETE = '__complete';

/** Flags only after a dash: an empty word is mostly the wish for a name. */
export async function completionsOf(words: readonly string[], context: Context): Promise<readonly string[]> {
  const [partial = '', ...before] = words.toReversed();
  const typed = [...argumentsOf(before.toReversed()).filter((word) => word !== '--help'), partial];
  const proposed = await proposeCompletions(application, typed, context);
  const names = proposed.map(({ completion }) => completion).filter((name) => name !== '--');
  return partial.startsWith('-') ? names : names.filter((name) => !name.startsWith('-'));
}
