/** Runs in a namespace: makes the group's streams on three hubs, and says who leads the capture log. */
import { captureStream, parseGroupName, provisionGroup } from '@routerd/federation';

const [group = '', seed = '', ...servers] = process.argv.slice(2);
const name = parseGroupName(group);
if (!name.ok) throw new Error(`not a group: ${group}`);
const done = await provisionGroup({ group: name.value, seed, servers, replicas: 3 });
if (!done.ok) {
  process.stderr.write(`${done.error.code}: ${done.error.detail}\n`);
  process.exit(1);
}
process.stdout.write(done.value.streams.find((stream) => stream.name === captureStream(name.value))?.leader ?? '');
process.exit(0);
