import { headers, type Msg, type SubscriptionOptions } from '@nats-io/transport-node';
import { instant, parseNodeName } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { describe, expect, it } from 'vitest';
import { AcknowledgedPublisher, type PublishingConnection } from '../src/adapters/nats/acknowledged-publisher.ts';
import { valueOf } from './value-of.ts';

describe('publishing with acknowledgements', () => {
  it('names the message and the stream, and answers with the sequence', async () => {
    const hub = open();
    const sent = hub.publish('one');
    expect(hub.sent[0]).toMatchObject({ subject: 'facts.one', text: 'text of one' });
    expect(hub.sent[0]?.header('Nats-Msg-Id')).toBe('one');
    expect(hub.sent[0]?.header('Nats-Expected-Stream')).toBe('FACTS');
    hub.answer(0, { stream: 'FACTS', seq: 7 });
    expect(await sent).toEqual({ ok: true, value: 7 });
  });

  it('gives each its own answer, whatever their order', async () => {
    const hub = open();
    const [one, two] = [hub.publish('one'), hub.publish('two')];
    hub.answer(1, { stream: 'FACTS', seq: 2, duplicate: true });
    hub.answer(0, { error: { code: 400, err_code: 10_060, description: 'expected stream does not match' } });
    expect(await two).toEqual({ ok: true, value: 2 });
    const refused = { code: 'transport.refused', detail: 'expected stream does not match' };
    expect(await one).toEqual({ ok: false, error: refused });
  });

  it('gives up what is not answered in time, each at its own, and takes no late answer for another', async () => {
    const hub = open();
    const first = hub.publish('one');
    hub.clock.advance(500);
    const second = hub.publish('two');
    hub.clock.advance(500);
    expect(await first).toEqual({ ok: false, error: { code: 'transport.unanswered', detail: 'timeout' } });
    hub.answer(0, { stream: 'FACTS', seq: 1 });
    hub.answer(1, { stream: 'FACTS', seq: 2 });
    expect(await second).toEqual({ ok: true, value: 2 });
    const third = hub.publish('three');
    hub.clock.advance(1000);
    expect(await third).toMatchObject({ error: { code: 'transport.unanswered' } });
  });

  it.each([
    ['nothing that it can read', '{', 'not an answer'],
    ['no sequence', '{"stream":"FACTS"}', 'without a sequence'],
    ['no stream', '{"seq":4}', 'without a sequence'],
  ])('knows nothing when the answer has %s', async (_, text, said) => {
    const hub = open();
    const sent = hub.publish('one');
    hub.answer(0, text);
    expect(await sent).toMatchObject({ error: { code: 'transport.unanswered' } });
    expect(JSON.stringify(await sent)).toContain(said);
  });

  it('knows nothing when no stream takes it, or when the connection closes first', async () => {
    const hub = open();
    const none = hub.publish('one');
    hub.noResponders(0);
    expect(await none).toMatchObject({ error: { code: 'transport.unanswered', detail: 'no stream takes it now' } });
    const cut = hub.publish('two');
    hub.close();
    expect(await cut).toMatchObject({ error: { code: 'transport.unanswered', detail: 'the connection closed' } });
  });

  it('says when it was certainly not sent', async () => {
    const hub = open();
    hub.fail('closed');
    expect(await hub.publish('one')).toEqual({ ok: false, error: { code: 'transport.not-sent', detail: 'closed' } });
  });
});

interface Sent {
  readonly subject: string;
  readonly text: string;
  readonly reply: string;
  readonly header: (name: string) => string;
}

function open() {
  const clock = new ManualClock(instant(0));
  const sent: Sent[] = [];
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let callback: SubscriptionOptions['callback'];
  let failure: string | undefined;
  const connection: PublishingConnection = {
    publish: (subject, payload, options) => {
      if (failure !== undefined) throw new Error(failure);
      const header = (name: string): string => options?.headers?.get(name) ?? '';
      sent.push({ subject, text: String(payload), reply: options?.reply ?? '', header });
    },
    subscribe: (_subject, options) => {
      callback = options?.callback;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody uses the subscription
      return {} as ReturnType<PublishingConnection['subscribe']>;
    },
    closed: async () => closed,
  };
  const node = valueOf(parseNodeName('aws-a'));
  const publisher = new AcknowledgedPublisher({ connection, node, clock, timeoutMs: 1000 });
  const deliver = (at: number, message: Pick<Msg, 'data' | 'headers'>): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the members that are read
    void callback?.(null, { subject: sent[at]?.reply, ...message } as Msg);
  };
  return {
    clock,
    sent,
    close,
    fail: (why: string) => {
      failure = why;
    },
    publish: async (id: string) => publisher.publish({ subject: `facts.${id}`, id, text: `text of ${id}` }, 'FACTS'),
    answer: (at: number, answer: object | string) =>
      deliver(at, { data: Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)) }),
    noResponders: (at: number) => deliver(at, { data: new Uint8Array(), headers: headers(503, 'No Responders') }),
  };
}
