import { basename, resolve } from 'node:path';
import type { Plan } from './plan.ts';

export interface ScriptOptions {
  folder: string;
  /** What one types for `bptt sweep`. */
  command: string;
  /** Runs at the same time; undefined for as many as there are. */
  jobs: number | undefined;
  /** Of Kubernetes. */
  image: string;
  claim: string;
  /** The version of the tool in the image. */
  version: string;
}

/** A Slurm array job; each element goes on with its run where it was stopped or requeued. */
export function slurmScript({ runs }: Plan, { folder, command, jobs }: ScriptOptions): string {
  const limit = jobs === undefined ? '' : `%${jobs}`;
  return `#!/bin/bash
#SBATCH --job-name=${nameOf(folder)}
#SBATCH --array=0-${runs.length - 1}${limit}
#SBATCH --cpus-per-task=2
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=${nameOf(folder)}-%a.txt
# A minute before its time is over: what was reached is kept, and the job asks to be queued again.
#SBATCH --signal=B:TERM@60
set -u
cd ${shellWord(process.cwd())} || exit 1
${command} ${shellWord(folder)} --index "$SLURM_ARRAY_TASK_ID" &
child=$!
trap 'kill -TERM "$child"' TERM
wait "$child"
status=$?
if [ "$status" -gt 128 ]; then wait "$child"; status=$?; fi
if [ "$status" -eq ${UNFINISHED} ]; then scontrol requeue "\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; fi
exit "$status"
`;
}

/** A Kubernetes job of indexed completions, on a volume that holds the text and gets the runs. */
export function kubernetesJob({ runs }: Plan, { folder, jobs, image, claim, version }: ScriptOptions): string {
  const command = `exec npx --yes bptt-cli@${version} sweep ${shellWord(folder)} --index "$JOB_COMPLETION_INDEX"`;
  return `apiVersion: batch/v1
kind: Job
metadata:
  name: ${nameOf(folder)}
spec:
  completionMode: Indexed
  completions: ${runs.length}
  parallelism: ${jobs ?? runs.length}
  backoffLimit: ${10 * runs.length}
  template:
    spec:
      # A run that was stopped before its end exits with ${UNFINISHED} and goes on when it is started again.
      restartPolicy: OnFailure
      terminationGracePeriodSeconds: 60
      containers:
        - name: train
          image: ${JSON.stringify(image)}
          command: ["sh", "-c", ${JSON.stringify(command)}]
          workingDir: /data
          resources:
            requests: { cpu: "2", memory: 1Gi }
          volumeMounts:
            - { name: data, mountPath: /data }
      volumes:
        - name: data
          persistentVolumeClaim: { claimName: ${JSON.stringify(claim)} }
`;
}

/** GNU parallel on this machine; \`--sshloginfile\` makes it several that share the folder. */
export function parallelCommand({ runs }: Plan, { folder, command, jobs }: ScriptOptions): string {
  const limit = jobs === undefined ? '' : ` --jobs ${jobs}`;
  return `seq 0 ${runs.length - 1} | parallel${limit} --line-buffer --tag ${command} ${shellWord(folder)} --index\n`;
}

/** The exit status of a run of a sweep that was stopped before its end: "try again". */
export const UNFINISHED = 75;

/** A name as schedulers take it. */
function nameOf(folder: string): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'sweep' : name;
}

/** The text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
