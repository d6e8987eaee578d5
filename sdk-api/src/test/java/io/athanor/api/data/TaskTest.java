package io.athanor.api.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaskTest {
  @Test
  void labelsAreAtLeastTwoAndStayAsTheyWere() {
    List<String> labels = new ArrayList<>(List.of("ham", "spam"));
    Task.Classification task = new Task.Classification("class", labels);
    labels.add("eggs");

    assertThat(task.labels()).containsExactly("ham", "spam");
    assertThatThrownBy(() -> new Task.Classification("class", List.of("ham")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("labels must be at least two, got [ham]");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void settingsThatAreNotPositiveAreNamed(double value) {
    assertThatThrownBy(() -> new Task.PreferenceRanking("answer", value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("beta must be above 0, got " + value);
    assertThatThrownBy(() -> new Task.Embedding("match", value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("temperature must be above 0, got " + value);
  }
}
