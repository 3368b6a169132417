/** What keeps the lab from running on this machine: a sentence that says what to do. */
export class LabProblem extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = "LabProblem";
  }
}
