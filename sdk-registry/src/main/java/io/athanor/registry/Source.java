package io.athanor.registry;

import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.blob.StagedFiles;
import java.nio.file.Path;
import java.util.Map;

/** Where the files of a new version come from, and what is known about them. */
interface Source {
  /** Fills the folder of staged files. */
  void writeTo(StagedFiles staged);

  /** Adds what is known of the model. */
  void describe(ModelVersion.Builder version);

  /** What training measured. */
  Map<String, Double> metrics();

  /** Files that other tools made; nothing is known of them. */
  static Source folder(Path folder) {
    return new Source() {
      @Override
      public void writeTo(StagedFiles staged) {
        staged.copy(folder);
      }

      @Override
      public void describe(ModelVersion.Builder version) {}

      @Override
      public Map<String, Double> metrics() {
        return Map.of();
      }
    };
  }
}
