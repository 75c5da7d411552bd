import { gradcheck, race, running, send } from '../store.ts';
import { Panel, short } from './parts.tsx';

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
      </Panel>
      <Panel
        title="Race"
        look="The same net on both engines of your machine: first their losses are compared, then they are timed in turns."
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
              {raced.map(({ engine, updatesPerSecond, difference }) => (
                <tr key={engine}>
                  <td>{engine === 'ts' ? 'TypeScript' : 'WebAssembly'}</td>
                  <td>{Math.round(updatesPerSecond).toLocaleString('en')}</td>
                  <td>{difference.toExponential(1)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
    </>
  );
}
