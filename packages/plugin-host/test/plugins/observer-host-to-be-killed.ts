/** A daemon to be killed: runs a plugin that never ends. Arguments: Plugin resource and request, JSON. */
import { createLog, systemClock } from '@routerd/runtime';
import { createPluginRunner } from '../../src/index.ts';

const [plugin = '', request = ''] = process.argv.slice(2);
const runner = createPluginRunner({ clock: systemClock, log: createLog('silent') });
await runner.run(JSON.parse(plugin), JSON.parse(request), new AbortController().signal);
