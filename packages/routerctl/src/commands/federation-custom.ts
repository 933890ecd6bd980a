import { buildCommand } from '@stricli/core';
import { z } from 'zod';
import {
  clientOf,
  outputAliases,
  outputFlag,
  show,
  socketFlag,
  type Context,
  type OutputFlags,
} from '../command-context.ts';
import { documented } from '../documented.ts';
import { age, renderTable } from '../output.ts';

const event = z.object({
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  source: z.string(),
  payload: z.record(z.string(), z.string()),
  acceptedAt: z.number(),
});

interface PublishFlags extends OutputFlags {
  readonly type: string;
  readonly subject: string;
  readonly payload: readonly (readonly [string, string])[] | undefined;
  readonly dedupeKey: string | undefined;
  readonly ttl: string | undefined;
}

function member(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new SyntaxError(`"${text}" is not KEY=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

export const publishCommand = buildCommand<PublishFlags, [], Context>({
  async func(this: Context, flags: PublishFlags) {
    const { type, subject, payload = [], dedupeKey, ttl } = flags;
    const answer = await clientOf(this, flags).post('/v1/federation/custom-events', {
      type,
      subject,
      payload: Object.fromEntries(payload),
      ...(dedupeKey === undefined ? {} : { dedupeKey }),
      ...(ttl === undefined ? {} : { ttl }),
    });
    show(this, flags.output, answer, (value) => `event ${z.object({ id: z.string() }).parse(value).id} recorded`);
  },
  parameters: {
    flags: {
      type: { kind: 'parsed', parse: String, brief: 'Type, such as com.example.backup.finished', placeholder: 'type' },
      subject: { kind: 'parsed', parse: String, brief: 'What it is about', placeholder: 'text' },
      payload: {
        kind: 'parsed',
        parse: member,
        variadic: true,
        optional: true,
        brief: 'What else it says',
        placeholder: 'key=value',
      },
      dedupeKey: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Of the events with one key the latest says all',
        placeholder: 'text',
      },
      ttl: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'How long it stands [default: 24h]',
        placeholder: 'duration',
      },
      output: outputFlag,
      socket: socketFlag,
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Tell the group of something that is no fact about an address, for its subscriptions',
    fullDescription:
      'Tell the group of something that is no fact about an address, for its subscriptions. It is kept for the retention of the EventGroup.\n\nEXAMPLES\n  routerctl federation event publish --type com.example.backup.finished --subject db-1 --payload size=12',
  },
});

interface HistoryFlags extends OutputFlags {
  readonly type: readonly string[] | undefined;
  readonly subjectPrefix: readonly string[] | undefined;
}

export const historyCommand = buildCommand<HistoryFlags, [], Context>({
  async func(this: Context, flags: HistoryFlags) {
    const query = new URLSearchParams();
    for (const type of flags.type ?? []) query.append('type', type);
    for (const prefix of flags.subjectPrefix ?? []) query.append('subjectPrefix', prefix);
    show(
      this,
      flags.output,
      await clientOf(this, flags).get(`/v1/federation/custom-events?${query.toString()}`),
      (value) =>
        renderTable(
          [
            { title: 'TYPE', value: (item: z.output<typeof event>) => item.type },
            { title: 'SUBJECT', value: (item) => item.subject },
            { title: 'SOURCE', value: (item) => item.source },
            {
              title: 'PAYLOAD',
              value: (item) =>
                Object.entries(item.payload)
                  .map((pair) => pair.join('='))
                  .join(' '),
            },
            { title: 'AGE', value: (item) => age(this.now() - item.acceptedAt) },
          ],
          z.object({ items: z.array(event) }).parse(value).items,
        ),
    );
  },
  parameters: {
    flags: {
      type: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'Only of this type',
        placeholder: 'type',
      },
      subjectPrefix: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'Only where the subject begins so',
        placeholder: 'text',
      },
      output: outputFlag,
      socket: socketFlag,
    },
    aliases: outputAliases,
  },
  docs: documented('List what the group was told with publish, as far as it is kept', [
    'routerctl federation event history --type com.example.backup.finished',
  ]),
});
