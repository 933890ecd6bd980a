/** A daemon to be killed: asks a plugin for something that never ends. Arguments: Plugin resource and request, JSON. */
import { systemClock, createLog } from '@routerd/runtime';
import { createPluginExecutor } from '../../src/index.ts';

const [plugin = '', request = ''] = process.argv.slice(2);
const executor = createPluginExecutor({ plugins: [JSON.parse(plugin)], clock: systemClock, log: createLog('silent') });
await executor.execute(JSON.parse(request), new AbortController().signal);
