/** A plugin that observes, for the host's tests: DO in its environment says what it does. TRACE names the file for its process ids. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { serveObserver } from '@routerd/plugin-sdk';

const trace = (text: string): void => {
  const file = process.env['TRACE'];
  if (file !== undefined) appendFileSync(file, `${text}\n`);
};
trace(`start ${process.pid}`);

/** Taken before `serveObserver` redirects stdout, as a plugin that was not written with the SDK would write. */
const writeRaw = process.stdout.write.bind(process.stdout);

await serveObserver(() => ({
  async observe({ trigger, context }, note) {
    switch (process.env['DO'] ?? '') {
      case 'hang': {
        const child = spawn('sleep', ['1000'], { stdio: 'inherit' });
        trace(`start ${child.pid}`);
        return new Promise(() => undefined);
      }
      case 'hang-alone':
        trace('observing');
        return new Promise(() => undefined);
      case 'crash':
        note('about to fail: password=hunter2');
        return process.exit(3);
      case 'flood':
        writeRaw('x'.repeat(5 * 1024 * 1024));
        return new Promise(() => undefined);
      case 'babble':
        writeRaw('a: b: c\n');
        return process.exit(0);
      case 'leave-a-child': {
        const child = spawn('sleep', ['1000'], { stdio: 'inherit' });
        trace(`start ${child.pid}`);
        break;
      }
      case 'secret':
        return { ttl: 'token=abcdef0123456789abcdef' };
      case 'environment':
        note(Object.keys(process.env).toSorted().join(','));
        break;
    }
    console.log('a library talks on stdout');
    note(`trigger ${trigger.type}, context ${context.resources.length}`);
    return { ttl: '1m' };
  },
}));
