import { describe, expect, it } from 'vitest';
import { seriesWindows, splitInTime } from '../../src/data/index.ts';

const counting = (n: number) => Float64Array.from({ length: n }, (_, i) => i);

describe('splitInTime', () => {
  it('cuts before the last steps, without copying', () => {
    const series = counting(10);
    const { train, validation } = splitInTime(series, { validationSteps: 3 });
    expect(train).toEqual(counting(7));
    expect(validation).toEqual(Float64Array.of(7, 8, 9));
    expect([train.buffer, validation.buffer]).toEqual([series.buffer, series.buffer]);
    expect(splitInTime(Int32Array.of(1, 2, 3), { validationSteps: 1 }).train).toEqual(Int32Array.of(1, 2));
  });

  it('takes a share, whole steps of several features, and context', () => {
    const { train, validation } = splitInTime(counting(14), { validationFraction: 0.3, features: 2 });
    expect([train.length, validation.length]).toEqual([10, 4]); // floor(0.3·7) = 2 steps of 2
    const context = splitInTime(counting(14), { validationSteps: 2, features: 2, context: 3 }).validation;
    expect(context).toEqual(counting(14).subarray(4));
    expect(splitInTime(counting(4), { validationSteps: 1, context: 3 }).validation).toEqual(counting(4));
  });

  it('with context, windows of the validation part predict exactly its own steps', () => {
    const { validation } = splitInTime(counting(20), { validationSteps: 5, context: 4 });
    const { targets } = seriesWindows(validation, { windowLength: 4, horizon: 1 });
    expect(targets).toEqual(Float64Array.of(15, 16, 17, 18, 19));
  });

  it('refuses what does not fit', () => {
    const split = (options: object, series: Float64Array = counting(10)) => {
      return () => splitInTime(series, options);
    };
    for (const options of [{}, { validationSteps: 2, validationFraction: 0.2 }]) {
      expect(split(options)).toThrow(
        TypeError('splitInTime: expected exactly one of validationSteps and validationFraction'),
      );
    }
    for (const bad of [0, 10, -1, 2.5]) {
      expect(split({ validationSteps: bad })).toThrow(
        RangeError(`splitInTime: validationSteps is ${bad}, expected a whole number from 1 to 9`),
      );
    }
    for (const bad of [0, 1, -0.5, Number.NaN]) {
      expect(split({ validationFraction: bad })).toThrow(
        RangeError(`splitInTime: validationFraction is ${bad}, expected a number in (0, 1)`),
      );
    }
    expect(split({ validationFraction: 0.05 })).toThrow(
      RangeError('splitInTime: validationFraction is 0.05, less than one of 10 steps'),
    );
    expect(split({ validationSteps: 3, context: 8 })).toThrow(
      RangeError('splitInTime: context is 8, expected a whole number from 0 to 7'),
    );
    expect(split({ validationSteps: 1, features: 3 })).toThrow(
      RangeError('splitInTime: series has 10 elements, expected [N,3], a multiple of 3'),
    );
    expect(split({ validationSteps: 1 }, counting(1))).toThrow(
      RangeError('splitInTime: series has 1 steps, expected at least 2'),
    );
    expect(split({ validationSteps: 1 }, [1, 2, 3] as never)).toThrow(
      TypeError('splitInTime: series is Array, expected Float32Array, Float64Array or Int32Array'),
    );
    expect(split({ validation: 1 })).toThrow(
      TypeError(
        'splitInTime: unknown option validation, expected validationSteps, validationFraction, context, features',
      ),
    );
  });
});
