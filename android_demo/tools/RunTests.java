import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.notification.Failure;
import org.junit.runner.notification.RunListener;

/** Runs JUnit test classes by name; the last line says how many passed and how many did not. */
public final class RunTests {
    private RunTests() { }

    /** Takes a test that is left out, for whatever reason, for one that failed. */
    private static final class Listener extends RunListener {
        private final Set<Description> finished = new HashSet<>();
        private final Set<Description> bad = new HashSet<>();

        @Override
        public void testFinished(Description test) {
            finished.add(test);
        }

        @Override
        public void testIgnored(Description test) {
            bad.add(test);
            System.out.println("LEFT OUT " + test.getDisplayName());
        }

        @Override
        public void testAssumptionFailure(Failure failure) {
            testIgnored(failure.getDescription());
        }

        @Override
        public void testFailure(Failure failure) {
            bad.add(failure.getDescription());
            System.out.println("FAILED " + failure.getDescription().getDisplayName());
            System.out.println(failure.getTrimmedTrace());
        }
    }

    public static void main(String[] names) throws ClassNotFoundException {
        List<Class<?>> classes = new ArrayList<>();
        for (String name : names) {
            classes.add(Class.forName(name));
        }
        Listener listener = new Listener();
        JUnitCore core = new JUnitCore();
        core.addListener(listener);
        core.run(classes.toArray(new Class<?>[0]));
        listener.finished.removeAll(listener.bad);
        System.out.println();
        System.out.println("passed " + listener.finished.size() + " failed " + listener.bad.size());
        System.exit(0); // threads that a test left behind would keep this process
    }
}
