// The levels of a line over time, as a list of its edges. Times are nanoseconds. A line rests high.

using System;
using System.Collections.Generic;

namespace Antmicro.Renode.Peripherals.UART
{
    public class Waveform
    {
        public void Add(double time, bool level)
        {
            if(LastLevel != level)
            {
                edges.Add(new Edge(time, level));
            }
        }

        // A character: bits from the lowest, each as long as `bit`, and high afterwards.
        public void AddBits(double start, double bit, uint bits, int count)
        {
            for(var k = 0; k < count; k++)
            {
                Add(start + k * bit, (bits >> k & 1) != 0);
            }
            Add(start + count * bit, true);
        }

        public void CopyFrom(Waveform other, double time)
        {
            Add(time, other.LevelAt(time));
            foreach(var edge in other.edges)
            {
                if(edge.Time > time)
                {
                    Add(edge.Time, edge.Level);
                }
            }
        }

        // A disturbance.
        public void Invert(double from, double to)
        {
            var first = edges.FindIndex(edge => edge.Time > from);
            first = first < 0 ? edges.Count : first;
            var last = edges.FindIndex(edge => edge.Time > to);
            last = last < 0 ? edges.Count : last;
            var before = LevelAt(from);
            var after = LevelAt(to);
            for(var k = first; k < last; k++)
            {
                edges[k] = new Edge(edges[k].Time, !edges[k].Level);
            }
            edges.Insert(last, new Edge(to, after));
            edges.Insert(first, new Edge(from, !before));
        }

        // What would have come from this time on does not come.
        public void CutAt(double time)
        {
            edges.RemoveAll(edge => edge.Time >= time);
        }

        public void ForgetBefore(double time)
        {
            var past = 0;
            while(past < edges.Count && edges[past].Time <= time)
            {
                firstLevel = edges[past].Level;
                past++;
            }
            edges.RemoveRange(0, past);
        }

        public bool LevelAt(double time)
        {
            var level = firstLevel;
            foreach(var edge in edges)
            {
                if(edge.Time > time)
                {
                    break;
                }
                level = edge.Level;
            }
            return level;
        }

        // When a start bit may begin: the line falls after `from`, and was high for at least so long before, of which
        // what lies before `watchedSince` does not count. Null when it does not fall.
        public double? NextFall(double from, double highFor, double watchedSince)
        {
            var level = firstLevel;
            var highSince = watchedSince;
            foreach(var edge in edges)
            {
                if(level && !edge.Level && edge.Time > from && edge.Time - highSince >= highFor)
                {
                    return edge.Time;
                }
                if(!level && edge.Level)
                {
                    highSince = Math.Max(edge.Time, watchedSince);
                }
                level = edge.Level;
            }
            return null;
        }

        private bool LastLevel => edges.Count > 0 ? edges[edges.Count - 1].Level : firstLevel;

        private bool firstLevel = true;

        private readonly List<Edge> edges = new List<Edge>();

        private struct Edge
        {
            public Edge(double time, bool level)
            {
                Time = time;
                Level = level;
            }

            public readonly double Time;
            public readonly bool Level;
        }
    }
}
