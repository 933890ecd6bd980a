/** A harness to be killed: boots one machine, says so, and stays. */
import { bootVm, type BootOptions } from '../src/vm.ts';

const options: BootOptions = JSON.parse(process.argv[2] ?? '{}');
const vm = await bootVm(options);
await vm.stream(['sleep', '1000'], () => undefined);
process.stdout.write('booted\n');
setInterval(() => undefined, 60_000);
