/** A stream that a rule of OCI's Events service fills (Streaming API 20180418), under the vendor's signer, as the instance itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { reading, SignedHttp, type OciIdentity } from '@routerd/plugin-oci';
import { ExecutorError, listOf, objectOf, textOf, type NewsFeed } from '@routerd/plugin-sdk';
import type { StreamSettings } from '../settings.ts';
import { createStreamFeed, type Stream, type StreamBatch, type StreamMessage } from '../stream-feed.ts';

/** The one reader of its groups: who comes after it has the same name, and takes its partition over at once. */
const INSTANCE = 'routerd';

export function connectStream(settings: StreamSettings, identity: OciIdentity): NewsFeed {
  return createStreamFeed(openStream(settings, identity), delay);
}

function openStream({ id, endpoint, reader }: StreamSettings, identity: OciIdentity): Stream {
  const http = new SignedHttp(endpoint, identity);
  const root = `/20180418/streams/${encodeURIComponent(id)}`;
  const open = async (groupName: string): Promise<string> => {
    const body = { type: 'TRIM_HORIZON', groupName, instanceName: INSTANCE, commitOnGet: false };
    return reading(`opening ${id}`, async () =>
      cursorIn((await http.send({ method: 'POST', path: `${root}/groupCursors`, body })).body),
    );
  };
  const read = async (cursor: string, max: number): Promise<StreamBatch> => {
    const query = { cursor, limit: `${max}` };
    return reading(`reading from ${id}`, async () => {
      const { body, header, sentAt } = await http.send({ method: 'GET', path: `${root}/messages`, query });
      return { messages: listOf(body).map(messageOf), next: header('opc-next-cursor') ?? cursor, readAt: sentAt };
    });
  };
  return {
    async begin(group, max) {
      const groupName = `${reader}-${group}`;
      try {
        return await read(await open(groupName), max);
      } catch (cause) {
        // A 400 for a cursor that is new: what the group committed is older than what the stream keeps ("Troubleshooting Streaming").
        if (!(cause instanceof ExecutorError && cause.errorClass === 'invalid')) throw cause;
        const body = { type: 'TRIM_HORIZON' };
        await reading(`bringing ${groupName} up to what ${id} keeps`, async () =>
          http.send({ method: 'PUT', path: `${root}/groups/${encodeURIComponent(groupName)}`, body }),
        );
        return read(await open(groupName), max);
      }
    },
    read,
    async commit(cursor) {
      return reading(`committing to ${id}`, async () =>
        cursorIn((await http.send({ method: 'POST', path: `${root}/commit`, query: { cursor } })).body),
      );
    },
  };
}

function cursorIn(body: unknown): string {
  return textOf(objectOf(body)['value']);
}

function messageOf(message: unknown): StreamMessage {
  const { value, timestamp } = objectOf(message);
  const sentAt = Date.parse(textOf(timestamp));
  return {
    text: Buffer.from(textOf(value), 'base64').toString('utf8'),
    sentAt: Number.isNaN(sentAt) ? undefined : sentAt,
  };
}
