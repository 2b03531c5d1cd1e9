import { expect, test } from 'vitest';
import { checkedProxies, networkOf } from './crowd.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::9', '2001:db8:1:2'],
  ['2001:db8::9', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
])('the client at %s is known as %s: of IPv6, its whole network', (address, client) => {
  expect(networkOf(address)).toBe(client);
});

test('a proxy is known by its address, however long that is written', () => {
  expect(checkedProxies(['192.0.2.7', '2001:DB8:0:0::0:9'])).toEqual(['192.0.2.7', '2001:db8::9']);
  expect(() => checkedProxies(['10.0.0.0/8'])).toThrow('by its IP address; got "10.0.0.0/8"');
});
