#!/usr/bin/env node
/** The test cloud's own door, for `conformance.yaml`: `node src/control.ts reset`, `state`, or `fault KIND`. */
import { EMPTY_CLOUD, FAULTS, FileCloud, type Cloud } from './file-cloud.ts';

const cloud = new FileCloud(process.env['FAKE_CLOUD_FILE'] ?? 'fake-cloud.json');
const [order = '', kind] = process.argv.slice(2);

switch (order) {
  case 'reset':
    cloud.write(EMPTY_CLOUD);
    break;
  case 'state':
    process.stdout.write(JSON.stringify(shown(cloud.read())));
    break;
  case 'fault': {
    const fault = FAULTS.find((each) => each === kind);
    if (fault === undefined) throw new Error(`there is no fault ${kind}: ${FAULTS.join(', ')}`);
    cloud.write({ ...cloud.read(), faults: [fault] });
    break;
  }
  default:
    throw new Error('usage: control.ts reset | state | fault KIND');
}

function shown({ nics, mutations }: Cloud): unknown {
  const entries = Object.entries(nics).map(([nicRef, { addresses, forwarding }]) => [
    nicRef,
    { addresses, forwarding },
  ]);
  return { nics: Object.fromEntries(entries), mutations };
}
