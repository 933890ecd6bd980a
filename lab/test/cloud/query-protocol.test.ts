import { XMLParser } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { faultReply, QueryParameters, resultReply } from '../../src/cloud/aws/query-protocol.ts';

const parse = (body: string | undefined): unknown =>
  new XMLParser({ ignoreAttributes: false, parseTagValue: false }).parse(body ?? '');

test('a result is in EC2’s namespace, with sets of items and text that is escaped', () => {
  const reply = resultReply('DescribeThings', {
    thingSet: [
      { name: 'a & <b>', flag: true, empty: [] },
      { name: 'c', count: 2 },
    ],
    return: true,
  });
  expect(reply.body).toContain('<DescribeThingsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">');
  expect(parse(reply.body)).toMatchObject({
    DescribeThingsResponse: {
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      thingSet: {
        item: [
          { name: 'a & <b>', flag: 'true', empty: '' },
          { name: 'c', count: '2' },
        ],
      },
      return: 'true',
    },
  });
});

test('a fault has the envelope that the SDK takes its code from', () => {
  const reply = faultReply({ status: 400, code: 'InvalidParameterValue', message: 'no "x"' });
  expect(reply).toMatchObject({ status: 400, code: 'InvalidParameterValue' });
  expect(parse(reply.body)).toMatchObject({
    Response: {
      Errors: { Error: { Code: 'InvalidParameterValue', Message: 'no "x"' } },
      RequestID: expect.any(String),
    },
  });
});

test('numbered lists and filters are read in order, and what nobody asked for is found', () => {
  const body = new URLSearchParams({
    Action: 'DescribeNetworkInterfaces',
    Version: '2016-11-15',
    'NetworkInterfaceId.2': 'eni-b',
    'NetworkInterfaceId.1': 'eni-a',
    'Filter.1.Name': 'subnet-id',
    'Filter.1.Value.1': 'subnet-1',
    'Filter.1.Value.2': 'subnet-2',
    'NetworkInterfaceID.1': 'a typo',
  });
  const parameters = new QueryParameters(body.toString());
  expect(parameters.list('NetworkInterfaceId')).toEqual(['eni-a', 'eni-b']);
  expect(parameters.filters()).toEqual([{ name: 'subnet-id', values: ['subnet-1', 'subnet-2'] }]);
  expect(parameters.unread()).toBe('NetworkInterfaceID.1');
  expect(parameters.flag('AllowReassignment')).toBe(false);
});
