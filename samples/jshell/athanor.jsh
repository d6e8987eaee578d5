// The imports of a session: jshell --class-path ... --startup DEFAULT --startup samples/jshell/athanor.jsh
import static io.athanor.api.training.Patience.patience
import static io.athanor.eval.Metrics.*
import io.athanor.api.backend.*
import io.athanor.api.training.*
import io.athanor.data.*
import io.athanor.data.source.*
import io.athanor.deploy.Deployments
import io.athanor.eval.*
import io.athanor.model.Models
import io.athanor.samples.files.SampleFiles
import io.athanor.training.Training
