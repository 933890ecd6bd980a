/** Runs on the hub's machine: `provision-hub.ts OPERATOR-FILE`. What an operator does once for a group; prints the streams as JSON. */
import { parseGroupName, provisionGroup } from '@routerd/federation';
import { readOperatorAccess } from './hub-access.ts';

const { group, server, caFile, seed } = readOperatorAccess(process.argv[2] ?? '');
const name = parseGroupName(group);
if (!name.ok) throw new Error(`not a group's name: ${group}`);
const provisioned = await provisionGroup({ group: name.value, servers: [server], caFile, seed });
if (!provisioned.ok) {
  process.stderr.write(`${provisioned.error.code}: ${provisioned.error.detail}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`${JSON.stringify(provisioned.value.streams)}\n`);
}
