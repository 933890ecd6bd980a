#!/usr/bin/env node
/** routerctl: shows and steers one node. */
import { run } from '@stricli/core';
import { application } from './application.ts';

await run(application, process.argv.slice(2), { process, now: () => Date.now() });
// The framework marks wrong usage with negative codes; shells see 2, as from other tools.
if (typeof process.exitCode === 'number' && process.exitCode < 0) process.exitCode = 2;
