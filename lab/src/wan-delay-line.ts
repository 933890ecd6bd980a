/** The process that holds packets: `wan-delay-line.ts PORT BACK-PORT DELAY-FILE`. SIGHUP reads the delay again. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';

const [port = '', backPort = '', delayFile = ''] = process.argv.slice(2);
const readDelayMs = (): number => Number(readFileSync(delayFile, 'utf8'));
let delayMs = readDelayMs();
process.on('SIGHUP', () => (delayMs = readDelayMs()));

const socket = createSocket('udp4');
/** In order of departure: the delay is the same for all, and when it shrinks the order of arrival is kept all the same. */
const queue: { readonly departsAt: number; readonly packet: Buffer }[] = [];
let timer: NodeJS.Timeout | undefined;

function release(): void {
  timer = undefined;
  const now = performance.now();
  // Half a millisecond early is nearer to the wanted time than a timer tick late.
  let next = queue[0];
  while (next !== undefined && next.departsAt <= now + 0.5) {
    queue.shift();
    socket.send(next.packet, Number(backPort), '127.0.0.1');
    next = queue[0];
  }
  if (next !== undefined) timer = setTimeout(release, Math.max(0, next.departsAt - now));
}

socket.on('message', (packet) => {
  queue.push({ departsAt: performance.now() + delayMs, packet });
  timer ??= setTimeout(release, delayMs);
});
socket.bind(Number(port), '127.0.0.1', () => {
  socket.setRecvBufferSize(4 * 1024 * 1024);
  socket.setSendBufferSize(4 * 1024 * 1024);
});
