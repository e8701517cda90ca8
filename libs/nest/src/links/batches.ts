import { isPlainObject, RegistryError } from '#model';
import { closeLater, pack, Spliced, unpack } from '#wire';

/**
 * How messages travel over a link: in lists, each list one frame. An item is a message, or a piece of one that is too
 * large for a frame of its own: its pieces follow each other as binary, and `true` ends them.
 */
export type BatchItem = Spliced | Uint8Array | true;

/**
 * A list is closed at this size and the next begun, so that a list stays far below the largest frame and the receiver
 * is never busy with one frame for long.
 */
export const BATCH_BYTES = 1024 * 1024;

/**
 * Collects what is sent in one turn of the event loop. A message is encoded when it is sent, so that the sender may change
 * it afterwards, and once only: the list takes the bytes as they are.
 */
export class OutgoingBatches {
  private items: BatchItem[] = [];
  private itemsBytes = 0;
  private waitingBytes = 0;

  constructor(private readonly transmit: (items: BatchItem[]) => void) {}

  /** Bytes that wait for the end of the turn. */
  get bytes(): number {
    return this.waitingBytes;
  }

  add(message: unknown): void {
    const packed = pack(message);
    if (packed.length <= BATCH_BYTES) this.append(new Spliced(packed), packed.length);
    else this.addInPieces(packed);
    closeLater(this);
  }

  /** Transmits what is waiting. */
  flush(): void {
    if (this.items.length === 0) return;
    const items = this.items;
    this.items = [];
    this.itemsBytes = 0;
    this.waitingBytes = 0;
    this.transmit(items);
  }

  private addInPieces(packed: Buffer): void {
    for (let offset = 0; offset < packed.length; offset += BATCH_BYTES) {
      const piece = packed.subarray(offset, offset + BATCH_BYTES);
      this.append(piece, piece.length);
    }
    this.append(true, 1);
  }

  private append(item: BatchItem, bytes: number): void {
    if (this.itemsBytes + bytes > BATCH_BYTES) this.flush();
    this.items.push(item);
    this.itemsBytes += bytes;
    this.waitingBytes = this.itemsBytes;
  }
}

/** Takes lists apart again, in order. */
export class IncomingBatches {
  private pieces: Uint8Array[] = [];
  private piecesBytes = 0;

  constructor(
    private readonly maxMessageBytes: number,
    private readonly deliver: (message: object) => void,
  ) {}

  /** Throws BAD_FRAME for what is no list of messages, FRAME_TOO_LARGE for a message above the bound. */
  receive(batch: unknown): void {
    if (!Array.isArray(batch)) throw new RegistryError('BAD_FRAME', 'Messages of a link come in lists.');
    for (const item of batch as unknown[]) {
      if (item instanceof Uint8Array) this.collect(item);
      else if (item === true) this.deliverMessage(unpack(this.assemble()));
      else this.deliverMessage(item);
    }
  }

  private deliverMessage(message: unknown): void {
    if (!isPlainObject(message)) throw new RegistryError('BAD_FRAME', 'A message of a link is a map.');
    this.deliver(message);
  }

  private collect(piece: Uint8Array): void {
    this.piecesBytes += piece.byteLength;
    if (this.piecesBytes > this.maxMessageBytes)
      throw new RegistryError('FRAME_TOO_LARGE', `A message of more than ${this.maxMessageBytes} bytes.`);
    this.pieces.push(piece);
  }

  private assemble(): Buffer {
    const message = Buffer.concat(this.pieces, this.piecesBytes);
    this.pieces = [];
    this.piecesBytes = 0;
    return message;
  }
}
