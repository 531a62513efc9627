/**
 * Secrets that must be read again, but not by whoever has the database alone: AES-256-GCM, with keys
 * made of settings by HKDF-SHA-256 (https://www.rfc-editor.org/rfc/rfc5869).
 *
 * What must only be recognised is hashed instead, see `sha256.ts`.
 *
 * @module
 */

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BITS = 256;
const KEY_ID_BITS = 48;

/** Whose secret it is, and what for: sealed for one, it opens for no other. */
export interface SealedFor {
  readonly wearer: string;
  /** Constant for each kind of record: `poke_key`. */
  readonly purpose: string;
}

/** A sealed secret, as it is stored. */
export interface Sealed {
  /** Which key opens it. Says nothing about the key. */
  readonly keyId: string;
  /** 12 bytes of nonce, the secret, 16 bytes of tag. */
  readonly sealed: Uint8Array<ArrayBuffer>;
}

interface SealingKey {
  readonly id: string;
  readonly key: CryptoKey;
}

/** Seals with the first of its keys, and opens what any of them has sealed. */
export class Sealer {
  /** The one in use first. Made once, as the first secret comes. */
  #keys: Promise<readonly SealingKey[]> | null = null;
  readonly #secrets: readonly string[];

  /** @param secrets what the keys are made of; without one nothing is sealed, and nothing opens */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  /** Whether there is a key to seal with. */
  get canSeal(): boolean {
    return this.#secrets.length > 0;
  }

  /**
   * Seals, under a nonce of its own: the same secret twice is not the same bytes.
   *
   * @throws {Error} if there is no key
   */
  async seal(owner: SealedFor, secret: string): Promise<Sealed> {
    const [newest] = await this.#made();
    if (!newest) throw new Error("Cannot seal as a key must be configured: there is none");
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const bytes = await crypto.subtle.encrypt(
      algorithmFor(owner, nonce),
      newest.key,
      new TextEncoder().encode(secret),
    );
    const sealed = new Uint8Array(NONCE_BYTES + bytes.byteLength);
    sealed.set(nonce);
    sealed.set(new Uint8Array(bytes), NONCE_BYTES);
    return { keyId: newest.id, sealed };
  }

  /** The secret; null: no key opens it, it is another's, or its bytes are not as they were sealed. */
  async open(owner: SealedFor, { keyId, sealed }: Sealed): Promise<string | null> {
    const found = (await this.#made()).find(({ id }) => id === keyId);
    if (!found || sealed.length < NONCE_BYTES + TAG_BYTES) return null;
    const algorithm = algorithmFor(owner, sealed.slice(0, NONCE_BYTES));
    try {
      const bytes = await crypto.subtle.decrypt(algorithm, found.key, sealed.slice(NONCE_BYTES));
      return new TextDecoder().decode(bytes);
    } catch (error) {
      if (error instanceof DOMException && error.name === "OperationError") return null;
      throw error;
    }
  }

  /** Whether it is sealed with the key in use, so that the others are not needed for it. */
  async isNewest({ keyId }: Pick<Sealed, "keyId">): Promise<boolean> {
    return (await this.#made())[0]?.id === keyId;
  }

  #made(): Promise<readonly SealingKey[]> {
    return this.#keys ??= Promise.all(this.#secrets.map(made));
  }
}

async function made(secret: string): Promise<SealingKey> {
  const bytes = new TextEncoder().encode(secret);
  const source = await crypto.subtle.importKey("raw", bytes, "HKDF", false, [
    "deriveKey",
    "deriveBits",
  ]);
  const aes = { name: "AES-GCM", length: KEY_BITS };
  const [key, id] = await Promise.all([
    crypto.subtle.deriveKey(derivation("key"), source, aes, false, ["encrypt", "decrypt"]),
    crypto.subtle.deriveBits(derivation("key id"), source, KEY_ID_BITS),
  ]);
  return { id: new Uint8Array(id).toBase64({ alphabet: "base64url" }), key };
}

/** The secrets are random already, so there is nothing for a salt to add. */
function derivation(what: string): HkdfParams {
  const info = new TextEncoder().encode(`foresight sealing ${what}`);
  return { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
}

/** As JSON no two owners look alike. */
function algorithmFor({ wearer, purpose }: SealedFor, iv: Uint8Array<ArrayBuffer>): AesGcmParams {
  const additionalData = new TextEncoder().encode(JSON.stringify([purpose, wearer]));
  return { name: "AES-GCM", iv, additionalData };
}
