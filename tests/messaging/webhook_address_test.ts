import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isPublicAddress, webhookAddress } from "../../messaging/webhook_address.ts";

Deno.test("webhookAddress keeps public https URLs, in one spelling and without fragment", () => {
  const kept = {
    "https://hooks.example.com/in?key=a%20b": "https://hooks.example.com/in?key=a%20b",
    "HTTPS://Hooks.Example.COM:443": "https://hooks.example.com/",
    "https://example.com:8443/#part": "https://example.com:8443/",
    "https://bücher.example.org/": "https://xn--bcher-kva.example.org/",
    "https://93.184.216.34/": "https://93.184.216.34/",
    "https://[2606:2800:220:1::1]/": "https://[2606:2800:220:1::1]/",
    "https://mylocalhost.com/": "https://mylocalhost.com/",
  };
  for (const [given, expected] of Object.entries(kept)) {
    assertEquals(webhookAddress(given), expected);
    assertEquals(webhookAddress(expected), expected);
  }
});

/** Each leads back into the house, or nowhere, or over no https. */
const REFUSED = [
  ...["", "hooks", "example.com/in", "http://example.com/", "ftp://example.com/", "file:///etc"],
  ...[
    "https://",
    "https://user@example.com/",
    "https://u:p@example.com/",
    "https://:p@example.com",
  ],
  `https://example.com/${"a".repeat(2_048)}`,
  // Longer once it is escaped.
  `https://example.com/${"ü".repeat(1_000)}`,
  // Names
  ...["https://localhost/", "https://LOCALHOST./", "https://api.localhost/", "https://ⓛocalhost/"],
  ...["https://printer/", "https://nas.local/", "https://metadata.google.internal/"],
  ...["https://router.home.arpa/", "https://box.lan/", "https://db.internal./", "https://a..b/"],
  // 127.0.0.1
  ...["https://127.0.0.1/", "https://127.0.0.1./", "https://127.1/", "https://2130706433/"],
  ...["https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/"],
  ...[
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://[::1]/",
  ],
  ...["https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:0:0:1]/"],
  ...["https://[::127.0.0.1]/", "https://[::]/", "https://0.0.0.0/", "https://0/"],
  // Other private ones, and those of clouds
  ...[
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://172.31.255.254/",
    "https://192.168.0.1/",
  ],
  ...["https://169.254.169.254/latest/", "https://2852039166/", "https://[::ffff:a9fe:a9fe]/"],
  ...["https://[fd00:ec2::254]/", "https://[fe80::1]/", "https://[ff02::1]/", "https://[fec0::1]/"],
  ...["https://100.100.100.200/", "https://168.63.129.16/", "https://192.0.0.192/"],
  ...[
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://198.18.0.1/",
  ],
  // IPv4 addresses inside of IPv6 ones
  ...["https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001:0:7f00:1::]/"],
  ...["https://[64:ff9b:1::a00:1]/", "https://[2001:db8::1]/", "https://[100::1]/"],
];

Deno.test("webhookAddress refuses what leads into the house, in every spelling [R2]", () => {
  assertEquals(REFUSED.filter((given) => webhookAddress(given) !== null), []);
});

Deno.test("webhookAddress refuses every spelling of every private IPv4 address [R2]", () => {
  const privateStart = fc.constantFrom(10, 127, 0, 0xa9fe, 0xc0a8, 0xac10, 0xac1f);
  const address = fc.tuple(privateStart, fc.nat({ max: 0xffffff })).map(([start, rest]) =>
    start > 255 ? start * 0x10000 + (rest & 0xffff) : start * 0x1000000 + rest
  );
  const octets = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  const spellings: ((n: number) => string)[] = [
    (n) => octets(n).join("."),
    (n) => octets(n).map((octet) => `0x${octet.toString(16)}`).join("."),
    (n) => octets(n).map((octet) => `0${octet.toString(8)}`).join("."),
    (n) => String(n),
    (n) => `0x${n.toString(16)}`,
    (n) => `0${n.toString(8)}`,
    (n) => `${n >>> 24}.${n & 0xffffff}`,
    (n) => `[::ffff:${octets(n).join(".")}]`,
    (n) => `[::ffff:${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}]`,
  ];
  fc.assert(fc.property(address, fc.constantFrom(...spellings), (n, spell) => {
    assertEquals(webhookAddress(`https://${spell(n)}/`), null);
  }));
});

Deno.test("isPublicAddress: what is no address is not public, nor is a mapped one", () => {
  for (const address of ["8.8.8.8", "1.1.1.1", "2a00:1450::1", "172.32.0.1", "100.128.0.1"]) {
    assert(isPublicAddress(address), address);
  }
  const others = ["", "example.com", "[2a00::1]", "8.8.8", "::ffff:8.8.8.8", "fe80::1%eth0"];
  assertEquals(others.filter(isPublicAddress), []);
});

Deno.test("webhookAddress lets development send to its own machine, and nowhere else in the house", () => {
  const own = [
    "http://localhost:9/in",
    "http://127.0.0.1:9/",
    "https://127.8.9.1/",
    "http://[::1]/",
  ];
  assertEquals(own.map((given) => webhookAddress(given, true)), own);
  const others = [
    "http://10.0.0.1/",
    "https://10.0.0.1/",
    "http://example.com/",
    "http://0.0.0.0/",
  ];
  const tricks = ["http://a:b@localhost/", "ftp://localhost/", "http://localhost.evil.com/"];
  assertEquals([...others, ...tricks].filter((given) => webhookAddress(given, true) !== null), []);
});
