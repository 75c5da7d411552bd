import { ENGINE_TITLES } from '../settings.ts';
import { gradcheck, race, running, send } from '../store.ts';
import { Panel, short, Table } from './parts.tsx';

/** The gradient check of the very net, and the engines side by side on the visitor's machine. */
export function ProveView() {
  const report = gradcheck.value;
  const results = race.value;
  const done = report === 'running' ? null : report;
  const raced = results === 'running' ? null : results;
  return (
    <>
      <Panel
        title="Prove it"
        look="The net’s hand-written gradient against central differences with Ridders’ extrapolation, in float64, with its weights as they are now: 20 elements of every parameter."
      >
        <button
          type="button"
          disabled={running.value || report === 'running'}
          onClick={() => {
            gradcheck.value = 'running';
            send({ type: 'gradcheck' });
          }}
        >
          Check the gradient
        </button>
        <p role="status" class="gradcheck">
          {report === 'running' && 'Checking …'}
          {done &&
            `${done.passed ? 'Right' : `Wrong: ${done.failures.join('; ')}`}: ${done.checked} elements compared. Worst: ${done.worst?.parameter}[${done.worst?.index}], gradient ${short(done.worst?.analytic ?? 0)}, relative error ${(done.worst?.relativeError ?? 0).toExponential(1)}; the difference quotient itself may be off by ${(done.worst?.estimatedError ?? 0).toExponential(1)}.`}
        </p>
        {done && (
          <Table
            name="Gradient check"
            head={['parameter', 'element', 'gradient', 'difference quotient', 'relative error', 'its own error']}
            rows={() =>
              done.checks.map((c) => [
                ...[c.parameter, c.index, c.analytic, c.numeric],
                ...[c.relativeError.toExponential(1), c.estimatedError.toExponential(1)],
              ])
            }
          />
        )}
      </Panel>
      <Panel
        title="Race"
        look="The same net on every engine of your machine: first their losses are compared, then they are timed in turns. On a small net the way to a GPU and back costs more than the sums."
      >
        <button
          type="button"
          disabled={running.value || results === 'running'}
          onClick={() => {
            race.value = 'running';
            send({ type: 'race' });
          }}
        >
          Race
        </button>
        <p role="status">{results === 'running' && 'Running …'}</p>
        {raced && (
          <table data-name="Race">
            <thead>
              <tr>
                <th scope="col">engine</th>
                <th scope="col">updates a second</th>
                <th scope="col">losses differ by</th>
              </tr>
            </thead>
            <tbody>
              {raced.map((result) => (
                <tr key={result.engine}>
                  <td>
                    {ENGINE_TITLES[result.engine]}
                    {'why' in result || <div class="fine">{result.description}</div>}
                  </td>
                  {'why' in result ? (
                    <td colSpan={2}>{result.why}</td>
                  ) : (
                    <>
                      <td>{Math.round(result.updatesPerSecond).toLocaleString('en')}</td>
                      <td>{result.difference.toExponential(1)}</td>
                    </>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
    </>
  );
}
