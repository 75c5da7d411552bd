/** An invocation at work: who it is, for the memory that it touches, and what it sees. */
export interface Invocation {
  /** A number that no other invocation of any dispatch has. */
  readonly id: number;
  /** The same of its workgroup, and of the time since the workgroup's last barrier, of each address space. */
  readonly group: number;
  readonly epochs: Readonly<Record<Space, number>>;
  /** The smallest id of the dispatch: older touches do not count, dispatches are ordered. */
  readonly oldest: number;
  readonly log: Log;
}

/** `workgroupBarrier` orders the workgroup's memory, `storageBarrier` storage; neither orders workgroups. */
export type Space = 'workgroup' | 'storage';

/** What went wrong in a dispatch. */
export class Log {
  readonly kernel: string;
  readonly findings = new Set<string>();

  constructor(kernel: string) {
    this.kernel = kernel;
  }

  /** One of a kind is enough. */
  add(finding: string): void {
    this.findings.add(`${this.kernel}: ${finding}`);
  }
}

const MANY = -1;

/**
 * Words of 4 bytes that note who touches them. Two invocations of a dispatch may touch one word, one of them writing, only
 * if a barrier for this memory lies between them; no barrier orders two workgroups.
 */
export class CheckedMemory {
  readonly f32: Float32Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  private readonly name: string;
  private readonly space: Space;
  // Of each word: the last writer with its group and epoch; the first reader of the last epoch that read, another reader
  // of it, that epoch, and the group, MANY where there were several. Ids older than the dispatch mean nobody.
  private readonly writer: Float64Array;
  private readonly writerGroup: Float64Array;
  private readonly writerEpoch: Float64Array;
  private readonly reader: Float64Array;
  private readonly otherReader: Float64Array;
  private readonly readerGroup: Float64Array;
  private readonly readerEpoch: Float64Array;

  constructor(name: string, space: Space, words: number) {
    this.name = name;
    this.space = space;
    this.f32 = new Float32Array(words);
    this.u32 = new Uint32Array(this.f32.buffer);
    this.i32 = new Int32Array(this.f32.buffer);
    const perWord = () => new Float64Array(words);
    [this.writer, this.writerGroup, this.writerEpoch] = [perWord(), perWord(), perWord()];
    [this.reader, this.otherReader, this.readerGroup, this.readerEpoch] = [perWord(), perWord(), perWord(), perWord()];
  }

  /** The word to read: the last one instead of one that lies outside, which is a finding. */
  read(by: Invocation, word: number): number {
    const at = this.inside(by, word, 'read');
    const { id, group, epochs, oldest } = by;
    if (this.wasWrittenByAnother(by, at)) by.log.add(`${this.name}: one reads what another writes, no barrier between`);
    const epoch = epochs[this.space];
    if (!(this.reader[at] >= oldest)) {
      this.readerGroup[at] = group;
    } else if (this.readerGroup[at] !== group) {
      this.readerGroup[at] = MANY;
    }
    if (!(this.reader[at] >= oldest) || this.readerEpoch[at] !== epoch) {
      this.reader[at] = id;
      this.otherReader[at] = id;
      this.readerEpoch[at] = epoch;
    } else if (this.reader[at] !== id) {
      this.otherReader[at] = id;
    }
    return at;
  }

  /** The word to write. */
  write(by: Invocation, word: number): number {
    const at = this.inside(by, word, 'write');
    const { id, group, epochs, oldest } = by;
    if (this.wasWrittenByAnother(by, at)) by.log.add(`${this.name}: two write the same element, no barrier between`);
    if (this.reader[at] >= oldest) {
      const inEpoch = this.readerEpoch[at] === epochs[this.space];
      const another = this.reader[at] !== id || this.otherReader[at] !== id;
      if (this.readerGroup[at] !== group || (inEpoch && another)) {
        by.log.add(`${this.name}: one writes what another reads, no barrier between`);
      }
    }
    this.writer[at] = id;
    this.writerGroup[at] = group;
    this.writerEpoch[at] = epochs[this.space];
    return at;
  }

  /** The word of an atomic access: any number of invocations may make one. */
  atomic(by: Invocation, word: number): number {
    return this.inside(by, word, 'touch');
  }

  private wasWrittenByAnother({ id, group, epochs, oldest }: Invocation, at: number): boolean {
    if (!(this.writer[at] >= oldest) || this.writer[at] === id) return false;
    return this.writerGroup[at] !== group || this.writerEpoch[at] === epochs[this.space];
  }

  private inside(by: Invocation, word: number, what: string): number {
    if (word < this.f32.length) return word;
    by.log.add(`${this.name}: a ${what} outside, at word ${word} of ${this.f32.length}`);
    return this.f32.length - 1;
  }
}
